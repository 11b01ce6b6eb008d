"""Design tokens: what Medcal looks like, as values. `css()` renders them as the custom properties of assets/tokens.css.

Paper and ink rather than white and black; one deep petrol for what can be pressed, one warm copper for what is running out.
All pairs of text and background keep a contrast of 4.5 to 1 or more (tests/unit/test_theme.py computes it).
"""

from pathlib import Path

TOKENS_FILE = Path(__file__).resolve().parent.parent / "assets" / "tokens.css"

# Every sign a specialty may choose; icons are compiled in, so the list is closed.
SPECIALTY_ICONS = (
    *("stethoscope", "heart-pulse", "smile", "scan-face", "baby"),
    *("eye", "bone", "brain", "ear", "activity"),
)

# name: (light, dark)
COLOURS = {
    "paper": ("#f6f5f0", "#12191a"),
    "surface": ("#fffefb", "#1a2324"),
    "sunken": ("#eceae2", "#0d1314"),
    "line": ("#d8d5c9", "#334042"),
    "line-strong": ("#7f7e74", "#7d8b8c"),
    "ink": ("#17272a", "#e9ece8"),
    "ink-soft": ("#4b5b5d", "#afbbb9"),
    "accent": ("#0c5658", "#7cc7bf"),
    "accent-strong": ("#083f41", "#a5ddd6"),
    "accent-soft": ("#dcebe7", "#1d3b3b"),
    "on-accent": ("#ffffff", "#0b1f20"),
    "copper": ("#9a4a1c", "#eaa877"),
    "copper-soft": ("#f8e6d8", "#42291a"),
    "danger": ("#a1262b", "#f2a09c"),
    "danger-soft": ("#f9e1df", "#451f20"),
    "good": ("#2c6130", "#a2d49c"),
    "good-soft": ("#e0eedd", "#213823"),
    "focus": ("#b35413", "#f0b27f"),
    # What an appointment is: fill, edge and text go together in every calendar and list.
    "held": ("#f8e6d8", "#42291a"),
    "held-edge": ("#b9682f", "#d18c57"),
    "booked": ("#dcebe7", "#1d3b3b"),
    "booked-edge": ("#0c5658", "#5eada5"),
    "arrived": ("#dde6f6", "#1f2f4d"),
    "arrived-edge": ("#2f5aa8", "#7fa4e6"),
    "fulfilled": ("#e9e8e2", "#293132"),
    "fulfilled-edge": ("#7d7c72", "#8a9596"),
    "no-show": ("#f9e1df", "#451f20"),
    "no-show-edge": ("#a1262b", "#e08580"),
    "offer": ("#efe2f4", "#382343"),
    "offer-edge": ("#7a3a96", "#c290d8"),
}

SIZES = {
    "text-small": "0.875rem",
    "text": "1.0625rem",
    "text-large": "1.25rem",
    "title-small": "1.375rem",
    "title": "clamp(1.625rem, 1.2rem + 1.6vw, 2.125rem)",
    "title-large": "clamp(2.125rem, 1.3rem + 3.4vw, 3.5rem)",
    "space-1": "0.25rem",
    "space-2": "0.5rem",
    "space-3": "0.75rem",
    "space-4": "1rem",
    "space-5": "1.5rem",
    "space-6": "2rem",
    "space-7": "3rem",
    "space-8": "4.5rem",
    "radius-small": "6px",
    "radius": "12px",
    "radius-large": "20px",
    "target": "2.75rem",
    "page": "70rem",
    "column": "42rem",
}

FONTS = {
    "font-body": '"Atkinson Hyperlegible Next", "Segoe UI", system-ui, sans-serif',
    "font-title": '"Brygada 1918", Georgia, "Times New Roman", serif',
}

SHADOWS = {
    "shadow": ("0 1px 2px #17272a14, 0 4px 16px #17272a0d", "0 1px 2px #0006, 0 4px 16px #0004"),
    "shadow-high": ("0 12px 48px #17272a33", "0 12px 48px #000a"),
}


def css() -> str:
    """The tokens as custom properties: light, dark when the reader's system asks for it, and either when she chose."""
    fixed = _properties({**SIZES, **FONTS})
    light = _properties({name: pair[0] for name, pair in {**COLOURS, **SHADOWS}.items()})
    dark = _properties({name: pair[1] for name, pair in {**COLOURS, **SHADOWS}.items()})
    return (
        "/* Rendered from medcal/theme.py: change the tokens there. */\n"
        f":root {{\n{fixed}}}\n"
        f":root, :root.light {{\n  color-scheme: light;\n{light}}}\n"
        f":root.dark {{\n  color-scheme: dark;\n{dark}}}\n"
        f"@media (prefers-color-scheme: dark) {{\n:root:not(.light) {{\n  color-scheme: dark;\n{dark}}}\n}}\n"
    )


def _properties(values: dict[str, str]) -> str:
    return "".join(f"  --{name}: {value};\n" for name, value in values.items())


def write() -> None:
    """Bring assets/tokens.css up to date."""
    TOKENS_FILE.write_text(css())


if __name__ == "__main__":
    write()
