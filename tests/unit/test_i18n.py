"""One catalogue for all that people read: every text of the code is in it, in every language, with the same placeholders."""

import ast
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from medcal import i18n
from medcal.i18n import LANGUAGES, current_language, language, language_of, t, tn

CODE = Path(i18n.__file__).parent
KEYWORDS = {"t": None, "tn": (1, 2), "n_": None}
TRANSLATED = [code for code in LANGUAGES if code != i18n.DEFAULT]


@cache
def texts_in_the_code() -> list[tuple[str, str | tuple[str, ...]]]:
    found = extract_from_dir(CODE, [("**.py", "python")], keywords=KEYWORDS)
    return [(f"{file}:{line}", text) for file, line, text, _, _ in found]


@cache
def catalogue(code: str) -> Catalog:
    source = i18n.LOCALE / code / "LC_MESSAGES" / "messages.po"
    if not source.exists():
        return Catalog(locale=code)
    with source.open("rb") as file:
        return read_po(file, locale=code, abort_invalid=True)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def entries(code: str) -> Iterator[Message]:
    return (entry for entry in catalogue(code) if entry.id)


def as_tuple(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def test_the_code_has_texts() -> None:
    assert len(texts_in_the_code()) > 50


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_text_has_a_translation(code: str) -> None:
    known = {as_tuple(entry.id): all(as_tuple(entry.string)) and not entry.fuzzy for entry in entries(code)}

    missing = [f"{where} {text!r}" for where, text in texts_in_the_code() if not known.get(as_tuple(text))]

    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("code", TRANSLATED)
def test_nothing_is_translated_that_nobody_reads(code: str) -> None:
    read = {as_tuple(text) for _, text in texts_in_the_code()}

    left_over = [entry.id for entry in entries(code) if as_tuple(entry.id) not in read]

    assert not left_over


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_translation_has_the_placeholders_of_the_original(code: str) -> None:
    differing = [
        entry.id
        for entry in entries(code)
        for translation in as_tuple(entry.string)
        if translation and placeholders(translation) != placeholders(as_tuple(entry.id)[-1])
    ]

    assert not differing


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_plural_form_is_there(code: str) -> None:
    wanted = catalogue(code).num_plurals

    assert [entry.id for entry in entries(code) if entry.pluralizable and len(as_tuple(entry.string)) != wanted] == []


def calls_of_t() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(CODE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("t", "tn"):
                yield f"{path.relative_to(CODE)}:{node.lineno}", node


def test_no_text_is_put_together_before_it_is_translated() -> None:
    # The catalogue cannot know what an f-string or a sum of strings will say.
    pieced = [where for where, call in calls_of_t() if isinstance(call.args[0], ast.JoinedStr | ast.BinOp)]

    assert not pieced


def test_no_text_is_translated_inside_an_f_string() -> None:
    # Up to Python 3.11 the catalogue cannot see into one either.
    hidden = [
        f"{path.relative_to(CODE)}:{call.lineno}"
        for path in sorted(CODE.rglob("*.py"))
        for pieced in ast.walk(ast.parse(path.read_text()))
        if isinstance(pieced, ast.JoinedStr)
        for call in ast.walk(pieced)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KEYWORDS
    ]

    assert not hidden


def test_every_placeholder_is_filled_where_the_text_is_written() -> None:
    wrong = []
    for where, call in calls_of_t():
        texts = [argument.value for argument in call.args[:2] if isinstance(argument, ast.Constant)]
        given = {keyword.arg for keyword in call.keywords} | (
            {"count"} if getattr(call.func, "id", "") == "tn" else set()
        )
        wanted = set().union(*(placeholders(text) for text in texts if isinstance(text, str)))
        if None not in given and call.keywords and wanted - given:
            wrong.append(where)

    assert not wrong


def test_without_a_language_everything_is_english() -> None:
    assert current_language() == "en"
    assert t("Please sign in.") == "Please sign in."
    assert t("Held until {time}", time="09:41") == "Held until 09:41"


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_text_stays_no_text(code: str) -> None:
    # In gettext the empty text stands for the head of the catalogue.
    with language(code):
        assert t("") == ""


@pytest.mark.parametrize(("count", "said"), [(0, "0 doctors"), (1, "1 doctor"), (2, "2 doctors")])
def test_a_count_chooses_its_form(count: int, said: str) -> None:
    assert tn("{count} doctor", "{count} doctors", count) == said


def test_a_language_ends_with_its_block() -> None:
    with language("de"):
        inside = current_language()

    assert (inside, current_language()) == ("de", "en")


def test_an_unknown_language_is_english() -> None:
    with language("xx"):
        assert current_language() == "en"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/", "en"),
        ("/cardiology", "en"),
        ("/de", "de"),
        ("/de/kardiologie", "de"),
        ("/dermatology", "en"),
        ("", "en"),
        ("/en/x", "en"),
    ],
)
def test_an_address_says_which_language_it_speaks(path: str, code: str) -> None:
    assert language_of(path) == code
