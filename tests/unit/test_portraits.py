"""Pictures of doctors: drawn ones, and initials for everybody else."""

from urllib.parse import unquote
from xml.etree.ElementTree import fromstring

import pytest

from medcal.viewmodels.portraits import letters_of, portrait_of


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Dr. Ada Okafor", "AO"),
        ("Univ.-Prof. Dr. med. Tomáš Novák", "TN"),
        ("Grete Groß-Adler", "GA"),
        ("Madonna", "M"),
        ("Dr. Ödön von Horváth", "ÖH"),
        ("Dr.", ""),
    ],
)
def test_initials_are_those_of_the_first_and_the_last_name(name: str, letters: str) -> None:
    assert letters_of(name) == letters


def test_who_was_drawn_has_her_picture_and_others_their_initials() -> None:
    assert portrait_of("ada-okafor", "Dr. Ada Okafor") == "/doctors/ada-okafor.svg"

    address = portrait_of("grete-gross", "Dr. Grete Groß")
    assert address.startswith("data:image/svg+xml,")
    assert "".join(fromstring(unquote(address.split(",", 1)[1])).itertext()) == "GG"


def test_no_name_gets_out_of_its_picture() -> None:
    drawn = unquote(portrait_of("x", '<script>"&'))

    assert "<script" not in drawn and "&" not in drawn
