"""The words of letters: an admin writes them, and sees beside them how they would arrive. For admins."""

import reflex as rx

from medcal import routes
from medcal.components.desk import filter_field, plain_select, segments
from medcal.components.fields import area_field, text_field
from medcal.components.settings import settings_nav
from medcal.components.ui import badge, button, skeleton_rows
from medcal.i18n import LANGUAGES, t
from medcal.pages.staff_frame import for_admins, staff_framed
from medcal.services.wording_checks import LONGEST_BODY, LONGEST_BRIEF, LONGEST_SUBJECT
from medcal.state.words import WordsState
from medcal.viewmodels.words import FieldRow

# Milliseconds without a key: soon enough to follow the hand, seldom enough for a fast one.
PAUSE = 300


def page() -> rx.Component:
    state = WordsState
    return staff_framed(
        settings_nav(routes.STAFF_WORDS),
        rx.el.h1(t("Words of messages"), class_name="page-head"),
        for_admins(
            rx.cond(
                state.is_loaded,
                rx.fragment(_which(), rx.el.div(_form(), _preview(), class_name="words")),
                skeleton_rows(8),
            )
        ),
        path=routes.STAFF_WORDS,
    )


def _which() -> rx.Component:
    state = WordsState
    return rx.el.div(
        rx.el.div(
            filter_field(t("Message"), plain_select(state.kinds, state.kind, state.choose_kind)),
            segments(t("Language"), list(LANGUAGES.items()), state.language, state.choose_language),
            class_name="filters",
        ),
        rx.el.p(
            state.sheet.standing,
            " ",
            rx.cond(state.is_unsaved, badge(t("Not saved yet"), tone="held")),
            class_name="small soft",
            aria_live="polite",
        ),
        class_name="stack-tight",
    )


def _form() -> rx.Component:
    state = WordsState
    return rx.el.form(
        text_field(
            "subject",
            t("Subject"),
            problems=state.problems,
            hint=t("Others may read it on a locked screen: nothing of the visit but its time."),
            default_value=state.subject,
            on_change=lambda typed: state.write_subject(state.edition, typed).debounce(PAUSE),
            max_length=2 * LONGEST_SUBJECT,
            lang=state.language,
            auto_complete="off",
        ),
        text_field(
            "brief",
            t("Text message"),
            problems=state.problems,
            hint=t("What it says after the subject. May be empty."),
            default_value=state.brief,
            on_change=lambda typed: state.write_brief(state.edition, typed).debounce(PAUSE),
            max_length=2 * LONGEST_BRIEF,
            lang=state.language,
            auto_complete="off",
        ),
        area_field(
            "body",
            t("Mail"),
            problems=state.problems,
            hint=t("An empty line begins a new paragraph. Greeting, facts and buttons are added."),
            default_value=state.body,
            on_change=lambda typed: state.write_body(state.edition, typed).debounce(PAUSE),
            max_length=2 * LONGEST_BODY,
            lang=state.language,
            rows="10",
        ),
        _fields(),
        rx.el.div(
            button(t("Save the words"), type="submit"),
            rx.cond(
                state.sheet.is_own,
                button(t("Use the standard words"), kind="secondary", on_click=state.reset_words),
            ),
            class_name="row",
        ),
        on_submit=state.save,
        no_validate=True,
        # Another letter: other fields, or what had been typed into these would stay.
        key=state.edition.to_string(),
        class_name="card stack",
    )


def _fields() -> rx.Component:
    sheet = WordsState.sheet
    return rx.el.details(
        rx.el.summary(t("What you can put in")),
        rx.el.dl(rx.foreach(sheet.fields, _field), class_name="words-fields"),
        rx.cond(
            sheet.in_subject != "",
            rx.el.p(t("In the subject only:"), " ", sheet.in_subject, class_name="small soft"),
        ),
        open=True,
        class_name="stack-tight",
    )


def _field(field: rx.Var[FieldRow]) -> rx.Component:
    return rx.el.div(rx.el.dt(rx.el.code(field.code)), rx.el.dd(field.meaning))


def _preview() -> rx.Component:
    state, preview = WordsState, WordsState.preview
    return rx.el.section(
        rx.el.div(
            rx.el.h2(t("How it arrives"), id="preview"),
            rx.cond(
                state.sheet.cases.length() > 1,
                filter_field(t("Written to"), plain_select(state.sheet.cases, state.case, state.choose_case)),
            ),
            class_name="row-apart",
        ),
        rx.el.p(state.trouble, role="status", class_name="problem"),
        rx.el.h3(t("In a phone's list")),
        rx.el.div(
            rx.el.span(preview.sender, class_name="small soft"),
            rx.el.strong(preview.subject),
            rx.el.span(preview.opening, class_name="small"),
            lang=state.language,
            class_name="phone-line",
        ),
        rx.el.h3(t("Mail")),
        # A frame without scripts and without a way out: what a mail is made of stays apart from the page.
        rx.el.iframe(src_doc=preview.html, sandbox="", title=t("The mail as it is read"), class_name="mail"),
        rx.el.h3(t("Text message")),
        rx.el.p(preview.sms, lang=state.language, class_name="sms"),
        rx.el.p(preview.sms_size, class_name="small soft numbers"),
        aria_labelledby="preview",
        class_name="card-flat stack-tight",
    )
