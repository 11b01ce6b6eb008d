"""The colours can be read by everybody, and the stylesheet is the one that the tokens say."""

import pytest

from medcal import theme

MODES = {"light": 0, "dark": 1}
GROUNDS = ("paper", "surface", "sunken")
# text → what it stands on
READ_ON = {
    "ink": (
        *GROUNDS,
        "accent-soft",
        "copper-soft",
        "danger-soft",
        "good-soft",
        "held",
        "booked",
        "arrived",
        "no-show",
        "offer",
    ),
    "ink-soft": (*GROUNDS, "fulfilled"),
    "accent": (*GROUNDS, "accent-soft"),
    "accent-strong": (*GROUNDS, "accent-soft"),
    "on-accent": ("accent", "accent-strong"),
    "copper": ("surface", "copper-soft"),
    "danger": ("paper", "surface", "danger-soft"),
    "good": ("surface", "good-soft"),
}
# Edges and the ring around what has the focus: WCAG 1.4.11 asks for 3 to 1.
SEEN_ON = {
    "focus": GROUNDS,
    "line-strong": GROUNDS,
    "booked-edge": ("surface", "booked"),
    "held-edge": ("surface", "held"),
    "arrived-edge": ("surface", "arrived"),
    "no-show-edge": ("surface", "no-show"),
    "offer-edge": ("surface", "offer"),
}


def pairs(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(text, ground) for text, grounds in table.items() for ground in grounds]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("text", "ground"), pairs(READ_ON))
def test_text_can_be_read_on_its_ground(text: str, ground: str, mode: str) -> None:
    assert contrast(text, ground, mode) >= 4.5


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("edge", "ground"), pairs(SEEN_ON))
def test_edges_can_be_seen_on_their_ground(edge: str, ground: str, mode: str) -> None:
    assert contrast(edge, ground, mode) >= 3


def test_the_stylesheet_has_the_tokens_of_the_theme() -> None:
    assert theme.TOKENS_FILE.read_text() == theme.css(), "run `python -m medcal.theme`"


def contrast(one: str, other: str, mode: str) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    lighter, darker = sorted((luminance(one, mode), luminance(other, mode)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(name: str, mode: str) -> float:
    colour = theme.COLOURS[name][MODES[mode]].lstrip("#")
    parts = (int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
