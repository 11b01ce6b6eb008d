"""Pages that say one thing: somebody was faster, a hold has run out, an old link, nothing here."""

from typing import Any

import reflex as rx

# Drawn for Medcal: one line weight, two colours of the page.
_PICTURES = {
    "faster": '<path d="M20 96h88M32 96V52a12 12 0 0 1 12-12h40a12 12 0 0 1 12 12v44"/><path d="M52 40V30M76 40V30M32 60h64"/>'
    '<circle cx="64" cy="78" r="9"/><path d="m60 78 3 3 6-6"/>',
    "expired": '<path d="M44 20h40M44 108h40M50 20v18c0 12 28 18 28 34v36M78 20v18c0 12-28 18-28 34v36"/><path d="M56 98c4-8 12-8 16 0"/>',
    "link": '<path d="M56 44l10-10a16 16 0 0 1 24 22l-12 12M72 84 62 94a16 16 0 0 1-24-22l12-12"/><path d="m50 40-6-8M38 52l-9-3M78 88l6 8M90 76l9 3"/>',
    "lost": '<circle cx="56" cy="56" r="30"/><path d="m78 78 26 26"/><path d="M48 50c0-10 16-10 16 0 0 6-8 6-8 13M56 72v1"/>',
    "done": '<rect x="26" y="30" width="76" height="72" rx="10"/><path d="M26 50h76M46 22v16M82 22v16"/><path d="m48 76 11 11 22-23"/>',
    "empty": '<rect x="26" y="30" width="76" height="72" rx="10"/><path d="M26 50h76M46 22v16M82 22v16M44 70h12M72 70h12M44 86h12"/>',
    "broken": '<path d="M24 96 64 26l40 70z"/><path d="M64 52v22M64 84v1"/>',
}


def picture(name: str) -> rx.Component:
    drawn = (
        '<svg viewBox="0 0 128 128" fill="none" stroke="currentColor" stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round">'
        f'<circle cx="70" cy="70" r="52" fill="var(--accent-soft)" stroke="none"/>{_PICTURES[name]}</svg>'
    )
    return rx.el.div(rx.html(drawn), class_name="picture", aria_hidden="true")


def notice_page(picture_name: str, heading: Any, *content: Any, heading_level: int = 1) -> rx.Component:
    """What is so, and what to do next."""
    title = rx.el.h1(heading) if heading_level == 1 else rx.el.h2(heading)
    return rx.el.div(picture(picture_name), title, *content, class_name="message")
