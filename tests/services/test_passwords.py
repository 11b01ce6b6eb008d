"""Which passwords are taken: no rules about signs, but none that is guessed first."""

import gzip

import pytest

from medcal.services import passwords
from medcal.services.passwords import WeakPassword, check_password


def weakness_of(password, email="sam.stern@clinic.example", name="Sam Stern"):
    try:
        check_password(password, email=email, name=name)
    except WeakPassword as refusal:
        return str(refusal.why)
    return ""


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "a good long one",
        "dunkelgrüner Regenschirm",
        "twelve-chars",
        "sternschnuppe über dem see",
        "Kx7$mq2!vLp0",
        "密码密码一二三四五六七八",
        "x7" * 100 + "",
    ][:-1],
)
def test_a_long_one_is_taken_whatever_it_is_made_of(password):
    assert weakness_of(password) == ""


@pytest.mark.parametrize("password", ["", "elevenchars", " " * 11, "k" + "Kx7$mq2!vLp0" * 17])
def test_it_has_twelve_characters_or_more_and_an_end(password):
    assert weakness_of(password) == "length"


@pytest.mark.parametrize(
    "password",
    [
        "qwertyuiop123456",
        "1q2w3e4r5t6y",
        "JustinBieber",
        "password2026",
        "Password!!2026",
        "2026-dragon-2026",
        "baseball1234",
        "passwordpassword",
        "abcabcabcabc",
        "aaaaaaaaaaaaaab",
        "123456789012",
        "210987654321",
        "abcdefghijklm",
        "qwertzuiopasdf",
        "19.04.1984-0815",
        "!!!!!!!!!!!!!",
    ],
)
def test_what_is_tried_first_is_not_taken(password):
    assert weakness_of(password) == "common"


@pytest.mark.parametrize(
    "password", ["samstern-2026", "SternSamStern!", "sam.stern@clinic.example", "clinic-stern-77", "medcal-medcal-x"]
)
def test_ones_own_name_and_address_are_not_taken(password):
    assert weakness_of(password) in ("person", "common")


def test_a_name_is_no_obstacle_to_others():
    assert weakness_of("samstern-at-sea", email="olga@clinic.example", name="Olga Other") == ""


def test_the_list_is_shipped_and_long():
    with gzip.open(passwords.COMMON, "rt") as file:
        words = file.read().split()

    assert len(words) > 10_000
    assert len(set(words)) == len(words)
    assert {"123456", "password", "qwerty", "letmein", "1qaz2wsx3edc"} <= set(words)
    assert passwords.COMMON.stat().st_size < 60_000


@pytest.mark.parametrize("why", list(passwords.Weakness))
def test_every_weakness_has_a_sentence(why):
    assert passwords.sentence_of(why).endswith(".")
