"""What a form says about a person: kept when it makes sense, else a sentence that says how to mend it."""

import time
from datetime import date

import pytest

from medcal.errors import Invalid
from medcal.i18n import language
from medcal.services.patients import (
    check_birth_date,
    check_contact,
    check_email,
    check_free_text,
    check_name,
    check_person,
    check_phone,
)

TODAY = date(2026, 6, 1)
TEN_MEGABYTES = "A" * 10_000_000
# What no form sends by itself: a lone half of a character cannot be stored, a reversed name can pose as another.
LONE_SURROGATE = "Al\ud800ice"
REVERSED = "Alice \u202eecilA\u202c"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Alice Hartmann", "Alice Hartmann"),
        ("  Alice \t Hartmann\n", "Alice Hartmann"),
        ("Zoë", "Zoë"),
        ("Zoe\u0308", "Zoë"),
        ("Nguyễn Văn Ánh", "Nguyễn Văn Ánh"),
        ("山田 太郎", "山田 太郎"),
        ("محمد الأحمد", "محمد الأحمد"),
        # A zero-width non-joiner is spelling in Persian.
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("O'Brien-Kovač, jr.", "O'Brien-Kovač, jr."),
        ("Li", "Li"),
        ("A" * 120, "A" * 120),
    ],
)
def test_a_name_is_kept_as_people_write_it(written: str, kept: str) -> None:
    assert check_name(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "A",
        "1999",
        "12 34",
        "!!!",
        "A" * 121,
        TEN_MEGABYTES,
        "Alice\x00",
        "Al\x1bice",
        LONE_SURROGATE,
        REVERSED,
        "\u202e",
    ],
    ids=lambda written: ascii(written[:12]),
)
def test_what_is_no_name_gets_a_sentence(written: str) -> None:
    with pytest.raises(Invalid, match=r"name") as refusal:
        check_name(written)

    assert refusal.value.field == "name"
    assert refusal.value.status == 422


@pytest.mark.parametrize("born_on", ["1984-02-29", "2026-06-01", "1906-01-01", " 1984-02-29 "])
def test_a_day_of_birth_is_up_to_120_years_back(born_on: str) -> None:
    assert check_birth_date(born_on, TODAY) == date.fromisoformat(born_on.strip())


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("", "day, month and year"),
        ("1999", "day, month and year"),
        ("not-a-date", "day, month and year"),
        ("1999-02-29", "day, month and year"),
        ("29.02.1984", "day, month and year"),
        ("１９８４-02-29", "day, month and year"),
        ("1984-02-29\x00", "day, month and year"),
        ("9" * 10_000_000, "day, month and year"),
        # Minus five years old
        ("2031-06-01", "future"),
        ("2026-06-02", "future"),
        ("1905-12-31", "year of birth"),
        ("0001-01-01", "year of birth"),
    ],
    ids=lambda written: ascii(written[:12]),
)
def test_what_is_no_day_of_birth_gets_a_sentence(written: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence) as refusal:
        check_birth_date(written, TODAY)

    assert refusal.value.field == "born_on"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" Alice@Example.COM ", "alice@example.com"),
        ("a.b+c@sub.example.museum", "a.b+c@sub.example.museum"),
        ("o'brien@example.ie", "o'brien@example.ie"),
        ("grüße@bücher.example", "grüße@bücher.example"),
        ("alice@example.com\n", "alice@example.com"),
    ],
)
def test_an_address_is_kept_in_lower_case(written: str, kept: str) -> None:
    assert check_email(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "alice",
        "alice@",
        "@example.com",
        "alice@example",
        "a@b@example.com",
        "alice@example..com",
        "alice@exa mple.com",
        "alice@example.com, bob@example.com",
        "alice@example.com\nBcc: everybody@example.com",
        "alice@example.com\r\nBcc: everybody@example.com",
        "alice@example.com\x00",
        "Alice <alice@example.com>",
        "al\ud800ice@example.com",
        "al\u202eice@example.com",
        "alice@" + "e" * 190 + ".com",
        "a" * 65 + "@example.com",
        "a" * 64 + "@" + "e" * 140 + ".com",
        "a@" + TEN_MEGABYTES + ".com",
    ],
    ids=lambda written: ascii(written[:40]),
)
def test_what_no_mail_can_be_sent_to_gets_a_sentence(written: str) -> None:
    with pytest.raises(Invalid, match="e-mail address") as refusal:
        check_email(written)

    assert refusal.value.field == "email"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("+43 1 555 0201", "+4315550201"),
        ("01 555 0201", "+4315550201"),
        ("0664/1234567", "+436641234567"),
        ("+1 (212) 555-0123", "+12125550123"),
        ("00 44 20 7946 0958", "+442079460958"),
    ],
)
def test_a_phone_number_is_kept_with_its_country(written: str, kept: str) -> None:
    assert check_phone(written, "AT") == kept


@pytest.mark.parametrize(
    "written", ["not-a-number", "1", "+", "+999999", "++43", "9" * 400, "9" * 10_000_000], ids=lambda text: text[:12]
)
def test_what_cannot_be_called_gets_a_sentence(written: str) -> None:
    with pytest.raises(Invalid, match="phone number") as refusal:
        check_phone(written)

    assert refusal.value.field == "phone"


def test_one_way_to_reach_the_patient_is_enough() -> None:
    assert check_contact(email="", phone="01 555 0201") == (None, "+4315550201")
    assert check_contact(email="a@example.com", phone=" ") == ("a@example.com", None)


def test_no_way_to_reach_the_patient_is_not() -> None:
    with pytest.raises(Invalid, match="so that we can reach you"):
        check_contact(email="", phone="")


def test_the_desk_may_know_neither_address_nor_number() -> None:
    assert check_contact(email="", phone="", needs_contact=False) == (None, None)


def test_a_remark_keeps_its_lines_and_loses_what_cannot_be_shown() -> None:
    assert check_free_text(" I use a\r\nwheelchair.\x00\x1b ", "request", 100) == "I use a\nwheelchair."


@pytest.mark.parametrize("written", ["A" * 101, TEN_MEGABYTES], ids=["101", "10 MB"])
def test_a_remark_that_is_too_long_is_refused_rather_than_cut(written: str) -> None:
    with pytest.raises(Invalid, match="under 100 characters") as refusal:
        check_free_text(written, "request", 100)

    assert refusal.value.field == "request"


def test_a_remark_with_half_a_character_can_be_stored() -> None:
    check_free_text("a \ud800 b", "request", 100).encode()


def test_ten_megabytes_are_refused_at_once() -> None:
    began = time.perf_counter()

    for check in (check_name, check_email, check_phone):
        with pytest.raises(Invalid):
            check(TEN_MEGABYTES)
    with pytest.raises(Invalid):
        check_free_text(TEN_MEGABYTES, "request", 1000)

    assert time.perf_counter() - began < 0.5


def test_a_person_speaks_the_language_of_the_page() -> None:
    with language("de"):
        person = check_person(name="Alice", born_on="1984-03-12", email="a@example.com", phone="", today=TODAY)

    assert person.language == "de"
