"""The texts that patients agree to: the clinic's own, and every version that was. For admins."""

import reflex as rx

from medcal import routes
from medcal.components.desk import filter_field, segments
from medcal.components.fields import area_field
from medcal.components.settings import settings_nav
from medcal.components.ui import badge, button, skeleton_rows
from medcal.i18n import LANGUAGES, t
from medcal.pages.staff_frame import for_admins, staff_framed
from medcal.services.consent_texts import LONGEST
from medcal.state.consent_texts import ConsentTextsState
from medcal.viewmodels.consent_texts import PURPOSE_WORDS, VersionRow


def page() -> rx.Component:
    state = ConsentTextsState
    return staff_framed(
        settings_nav(routes.STAFF_CONSENT),
        rx.el.h1(t("What patients agree to"), class_name="page-head"),
        for_admins(
            rx.cond(
                state.is_loaded,
                rx.el.div(_which(), _form(), _versions(), class_name="stack section-gap"),
                skeleton_rows(6),
            )
        ),
        path=routes.STAFF_CONSENT,
    )


def _which() -> rx.Component:
    state = ConsentTextsState
    purposes = [rx.el.option(t(words), value=str(purpose)) for purpose, words in PURPOSE_WORDS.items()]
    return rx.el.div(
        filter_field(
            t("What for"),
            rx.el.select(
                *purposes, value=state.purpose, on_change=state.choose_purpose, class_name="input input-compact"
            ),
        ),
        segments(t("Language"), list(LANGUAGES.items()), state.language, state.choose_language),
        class_name="filters",
    )


def _form() -> rx.Component:
    state = ConsentTextsState
    return rx.el.form(
        rx.el.p(state.sheet.standing, class_name="small soft", aria_live="polite"),
        area_field(
            "words",
            t("The text beside the button"),
            problems=state.problems,
            hint=t(
                "An empty line begins a new paragraph. What others have agreed to before stays as it was; other words make a new version."
            ),
            default_value=state.words,
            max_length=LONGEST,
            lang=state.language,
            rows="10",
        ),
        rx.el.div(
            button(t("Save the text"), type="submit"),
            rx.cond(
                state.sheet.is_own,
                button(t("Use the standard text"), kind="secondary", on_click=state.reset_words),
            ),
            class_name="row",
        ),
        on_submit=state.save,
        no_validate=True,
        key=state.edition.to_string(),
        class_name="card stack",
    )


def _versions() -> rx.Component:
    versions = ConsentTextsState.sheet.versions
    return rx.el.section(
        rx.el.h2(t("All versions")),
        rx.el.p(t("A version is kept from when it was written here, or first agreed to."), class_name="small soft"),
        rx.cond(
            versions.length() > 0,
            rx.el.div(rx.foreach(versions, _version), class_name="stack-tight"),
            rx.el.p(t("Nobody has agreed to anything yet."), class_name="soft"),
        ),
        class_name="stack-tight",
    )


def _version(version: rx.Var[VersionRow]) -> rx.Component:
    return rx.el.details(
        rx.el.summary(version.title, " ", rx.cond(version.is_in_force, badge(t("In use"), tone="booked"))),
        rx.el.p(version.words, lang=ConsentTextsState.language, class_name="small as-typed"),
    )
