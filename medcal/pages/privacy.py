"""What is kept about a patient, why, and for how long: in words that can be read."""

import reflex as rx

from medcal.i18n import t
from medcal.pages.frame import framed


def page() -> rx.Component:
    parts = [
        (
            t("What we keep"),
            t(
                "Your name, date of birth, e-mail address or phone number, the time and kind of your visit, the reason you chose, and what you wrote to us."
            ),
        ),
        (
            t("Why"),
            t(
                "To see you at the right time, to remind you, and to offer you earlier times if you asked for them. For nothing else."
            ),
        ),
        (
            t("Who reads it"),
            t(
                "The staff of this clinic. Messages are handed to the service that sends our mails and texts; they hold no more than name, time and place."
            ),
        ),
        (
            t("What this site stores in your browser"),
            t(
                "One cookie that tells your browser from others, so that a time can be held for you. No advertising, no tracking, nothing from other companies."
            ),
        ),
        (
            t("What you can ask for"),
            t("A copy of what we keep, a correction, or that we delete it. Call us or write to us."),
        ),
    ]
    return framed(
        rx.el.div(
            rx.el.h1(t("What we keep about you")),
            *[rx.el.section(rx.el.h2(title), rx.el.p(text), class_name="stack-tight") for title, text in parts],
            class_name="stack section-gap",
        ),
        narrow=True,
    )
