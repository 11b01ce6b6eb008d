"""The words of letters as files, and what an admin may put in their place."""

from dataclasses import replace

import pytest

from medcal.errors import InvalidForm
from medcal.i18n import LANGUAGES
from medcal.services.letter_fields import FIELDS
from medcal.services.letter_kinds import LETTERS
from medcal.services.wording import FIELD, FOLDER, Wording, our_wording, paragraphs
from medcal.services.wording_checks import (
    LONGEST_BODY,
    LONGEST_BRIEF,
    LONGEST_SUBJECT,
    can_be_sent,
    check_wording,
)

EVERY_KIND = pytest.mark.parametrize("kind", sorted(LETTERS))
EVERY_LANGUAGE = pytest.mark.parametrize("spoken", sorted(LANGUAGES))
GOOD = Wording("Come on {day} at {time}", "", "Dear {name}, we see you at {clinic}.")


def problems(kind: str, wording: Wording) -> dict[str, str]:
    with pytest.raises(InvalidForm) as refusal:
        check_wording(kind, wording)
    assert not can_be_sent(kind, wording)
    return refusal.value.problems


# --- Our own files ----------------------------------------------------------------------------------------------------


def test_every_kind_has_its_words_in_every_language_and_nothing_else_lies_there() -> None:
    files = {(file.parent.name, file.name) for file in FOLDER.rglob("*") if file.is_file()}

    assert files == {(kind, f"{code}.txt") for kind in LETTERS for code in LANGUAGES}


@EVERY_KIND
@EVERY_LANGUAGE
def test_our_own_words_are_as_good_as_we_ask_of_others(kind: str, spoken: str) -> None:
    ours = our_wording(kind, spoken)

    assert check_wording(kind, ours) == ours


@EVERY_KIND
def test_every_language_names_the_same(kind: str) -> None:
    named = [
        [sorted(set(FIELD.findall(text))) for text in (ours.subject, ours.brief, ours.body)]
        for ours in (our_wording(kind, code) for code in LANGUAGES)
    ]

    assert all(each == named[0] for each in named)


@EVERY_KIND
def test_a_kind_knows_its_fields(kind: str) -> None:
    form = LETTERS[kind]

    assert set(form.fields) <= set(FIELDS)
    assert set(form.needed) | set(form.needed_in_sms) <= set(form.fields)


def test_paragraphs_are_divided_by_empty_lines_and_keep_their_hard_spaces() -> None:
    assert paragraphs("One\ntwo  three\n \n\nfour at 9\u00a0Uhr\n") == ("One two three", "four at 9\u00a0Uhr")


# --- What an admin may write ------------------------------------------------------------------------------------------


def test_words_are_kept_tidy() -> None:
    typed = Wording("  Come on {day}\r\nat {time} ", " \n", "\r\nOne\r\n\r\ntwo\tthree  \r\n")

    assert check_wording("reminder", typed) == Wording("Come on {day} at {time}", "", "One\n\ntwo three")


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("subject", "", "Please write a subject."),
        ("subject", " \n ", "Please write a subject."),
        ("subject", "{day} {time}" + "x" * LONGEST_SUBJECT, "Please keep this under 100 characters."),
        ("brief", "x" * (LONGEST_BRIEF + 1), "Please keep this under 200 characters."),
        ("body", "x" * (LONGEST_BODY + 1), "Please keep this under 2000 characters."),
        ("body", "\n \n", "Please write at least one paragraph."),
        ("body", "Hello {nobody}", "{nobody} cannot stand here."),
        ("body", "Your code: {code}", "{code} cannot stand here."),
        ("subject", "{day} {time} {name}", "{name} cannot stand here. What can: {day}, {time}, {clinic}."),
        ("subject", "{day} {time} with {doctor}", "{doctor} cannot stand here."),
        ("body", "Hello {name", "Curly brackets are for fields alone"),
        ("body", "Hello {{name}}", "Curly brackets are for fields alone"),
        ("body", "{name.__class__}", "Curly brackets are for fields alone"),
        ("body", "{name!r}", "Curly brackets are for fields alone"),
        ("body", "{name:>999999999}", "Curly brackets are for fields alone"),
        ("body", "{0}", "Curly brackets are for fields alone"),
        ("body", "{link:cancel}", "Curly brackets are for fields alone"),
        ("body", "{}", "Curly brackets are for fields alone"),
        ("body", "See https://evil.example/x", "Please leave addresses out"),
        ("body", "See HTTP://10.0.0.1", "Please leave addresses out"),
        ("body", "See www.evil", "Please leave addresses out"),
        ("body", "See evil.example/login", "Please leave addresses out"),
        ("brief", "mail us@evil.example", "Please leave addresses out"),
        ("subject", "{day} {time} evil.com", "Please leave addresses out"),
        ("body", "a\x00b", "characters in it that cannot be sent"),
        ("body", "a\x1b[31mb", "characters in it that cannot be sent"),
        ("body", "a\u202eb", "characters in it that cannot be sent"),
        ("body", "a\u200bb", "characters in it that cannot be sent"),
        ("body", "a\ud800b", "characters in it that cannot be sent"),
        ("subject", "{day} {time} a\u2028b", "characters in it that cannot be sent"),
    ],
)
def test_what_cannot_be_sent_is_refused_beside_its_field(field: str, text: str, said: str) -> None:
    found = problems("reminder", replace(GOOD, **{field: text}))

    assert said in found[field]


@pytest.mark.parametrize(
    "text",
    ["Call us: +43 1 555 0100, z.B. at 9.30 o'clock.", "Dr. med. Huber: 100 %!", "Größe – „gut“ 😀", "a/b, c & d <e>"],
)
def test_ordinary_words_are_not_taken_for_addresses(text: str) -> None:
    assert check_wording("reminder", replace(GOOD, body=text)).body == text


@pytest.mark.parametrize(
    ("kind", "wording", "said"),
    [
        ("code", Wording("Your code", "{code}", "No code here."), {"body": "Please leave {code} in it"}),
        ("code", Wording("Your code", "", "{code}"), {"brief": "Please write {code} in one of them."}),
        ("code", Wording("{code}", "{code}", "{code}"), {"subject": "{code} cannot stand here."}),
        ("reminder", Wording("Come!", "", "{day} {time}"), {"brief": "Please write {day}, {time} in one of them."}),
        ("offer.made", Wording("{day} {time}", "{held}", "{held}"), {"body": "Please leave {choice} in it"}),
        (
            "offer.made",
            Wording("{day} {time}", "", "{held} {choice}"),
            {"brief": "Please write {held} in one of them."},
        ),
        ("offer.taken", Wording("Sorry", "", "Gone."), {"body": "Please leave {kept} in it"}),
    ],
)
def test_what_the_reader_must_know_cannot_be_left_out(kind: str, wording: Wording, said: dict[str, str]) -> None:
    found = problems(kind, wording)

    assert found.keys() == said.keys()
    assert all(said[field] in found[field] for field in said)


def test_all_that_does_not_fit_is_said_at_once() -> None:
    assert problems("reminder", Wording("", "{x}", "")).keys() == {"subject", "brief", "body"}
