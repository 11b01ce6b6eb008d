"""What is kept about a patient, why, and for how long: in words that can be read."""

from typing import Any

import reflex as rx

from medcal import routes
from medcal.components.ui import link_button, plain_link, skeleton
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.clinic import ClinicState
from medcal.state.privacy import PrivacyState


def page() -> rx.Component:
    return framed(
        rx.el.div(
            rx.el.h1(t("What we keep about you")),
            rx.el.p(
                t(
                    "You can book without an account. We keep what we need to see you at the right time, and no longer than we need it."
                ),
                class_name="large",
            ),
            *[_section(title, content) for title, content in _parts()],
            class_name="stack section-gap",
        ),
        narrow=True,
    )


def _section(title: str, content: list[Any]) -> rx.Component:
    return rx.el.section(rx.el.h2(title), *content, class_name="stack-tight")


def _parts() -> list[tuple[str, list[Any]]]:
    return [
        (t("Who is responsible"), [_clinic()]),
        (t("What we keep, why, and for how long"), [_kept()]),
        (t("Who receives it"), [_receivers()]),
        (t("What this site stores in your browser"), [rx.el.p(_in_the_browser())]),
        (t("What you can ask for"), [_rights(), _ways()]),
        (t("If you are not content"), [rx.el.p(_complaint())]),
    ]


def _clinic() -> rx.Component:
    place = ClinicState.place
    return rx.el.div(
        rx.el.strong(place.name),
        rx.el.br(),
        place.street,
        rx.el.br(),
        place.city,
        rx.cond(
            place.phone != "",
            rx.el.div(plain_link(place.phone, href=rx.Var.create("tel:") + place.phone.replace(" ", ""))),
        ),
        rx.cond(place.email != "", rx.el.div(plain_link(place.email, href=rx.Var.create("mailto:") + place.email))),
    )


def _kept() -> rx.Component:
    times = PrivacyState.times
    headings = (t("What"), t("Why"), t("For how long"))
    return rx.el.div(
        rx.el.table(
            rx.el.thead(rx.el.tr(*[rx.el.th(heading, scope="col") for heading in headings])),
            rx.el.tbody(*[_row(*row) for row in _rows(times)]),
            class_name="table",
        ),
        class_name="table-wrap",
    )


def _row(what: str, why: str, *how_long: Any) -> rx.Component:
    return rx.el.tr(
        rx.el.td(what, custom_attrs={"data-label": t("What")}),
        rx.el.td(why, custom_attrs={"data-label": t("Why")}),
        rx.el.td(
            rx.cond(PrivacyState.is_loaded, rx.el.span(*how_long), skeleton()),
            custom_attrs={"data-label": t("For how long")},
        ),
    )


def _rows(times: Any) -> list[tuple[Any, ...]]:
    return [
        (
            t("Your name, date of birth, e-mail address and phone number; who books for you, if somebody does."),
            t("To know whom we expect and how to reach you (your treatment: GDPR, articles 6(1)(b) and 9(2)(h))."),
            t("After your last visit:"),
            " ",
            times.patients,
        ),
        (
            t("When you come, to whom, for which kind of visit, and what became of it; which text you agreed to."),
            t("To plan the day, and to know later what was agreed (as above)."),
            t("With your name as long as that; afterwards as a figure without it."),
        ),
        (
            t("The reason that you chose, and what you wrote to us."),
            t("So that the doctor can prepare (as above). It lies encrypted in our database."),
            t("After the visit:"),
            " ",
            times.notes,
        ),
        (
            t("Our e-mails and text messages to you, and whether they arrived."),
            t("To confirm, to remind you, and to find out why a message did not arrive (as above)."),
            t("After the message, and the visit that it names:"),
            " ",
            times.messages,
        ),
        (
            t("Your wish for something earlier, if you have one, and the times that we offered you."),
            t("To offer you times that become free, because you asked for it (your consent: article 6(1)(a))."),
            t("After the wish has ended:"),
            " ",
            times.wishes,
        ),
        (
            t("Times that you held but did not book, and links and codes that we sent you."),
            t(
                "So that nobody takes your time while you fill in the form, and so that only you see your visits (articles 6(1)(b) and (f))."
            ),
            t("Links and codes until they run out; held times:"),
            " ",
            times.holds,
        ),
        (
            t("Who of the clinic looked at your data, and who changed what."),
            t("So that nobody does it without a reason, and you can learn who did (articles 5(2) and 32)."),
            t("Looks:"),
            " ",
            times.looks,
            t(". Changes:"),
            " ",
            times.changes,
            t("; what they say about you is unreadable once you are erased."),
        ),
    ]


def _receivers() -> rx.Component:
    return rx.el.div(
        rx.el.p(t("The staff of this clinic read it, each as far as their work needs it.")),
        rx.el.ul(rx.foreach(PrivacyState.receivers, lambda one: rx.el.li(one)), class_name="listed"),
        rx.el.p(
            t(
                "Messages hold no more than name, time, place and doctor, never the reason of a visit. We sell nothing, and we ask no other company about you."
            )
        ),
        class_name="stack-tight",
    )


def _in_the_browser() -> str:
    return t(
        "A cookie that tells your browser from others, so that a time can be held for you and you find your visits again; for ten minutes one with the address that a code was sent to; and your choice between light and dark. No advertising, no tracking, nothing from other companies."
    )


def _rights() -> rx.Component:
    rights = (
        t("A copy of all that we keep about you, to read and as a file (articles 15 and 20)."),
        t("That we correct what is wrong (article 16)."),
        t(
            "That we erase it (article 17). What the law makes the clinic keep about your treatment lies elsewhere, and stays."
        ),
        t("That we stop using it while something is being cleared up, or that you object to it (articles 18 and 21)."),
        t("To take back what you agreed to, at any time, for what comes after (article 7)."),
    )
    return rx.el.ul(*[rx.el.li(right) for right in rights], class_name="listed")


def _ways() -> rx.Component:
    return rx.el.div(
        rx.el.p(
            t(
                "A copy and the erasure you can have here, at once: we send a code to your e-mail address or phone, so that nobody else gets it. For all else please call us or write to us."
            )
        ),
        rx.el.div(link_button(t("Your data"), href=routes.to(routes.YOUR_DATA), icon="file-text"), class_name="row"),
        class_name="stack-tight",
    )


def _complaint() -> str:
    return t(
        "Please tell us first, we would like to mend it. You may also turn to the data protection authority of your country."
    )
