"""Small numbers as people say them, in the current language: third, five, twice."""

from medcal.i18n import current_language, n_, t

# German grammar wants the form after "an … Stelle".
ORDINALS = (
    *(n_("first"), n_("second"), n_("third"), n_("fourth"), n_("fifth"), n_("sixth")),
    *(n_("seventh"), n_("eighth"), n_("ninth"), n_("tenth"), n_("eleventh"), n_("twelfth")),
)
CARDINALS = (
    *(n_("one"), n_("two"), n_("three"), n_("four"), n_("five"), n_("six")),
    *(n_("seven"), n_("eight"), n_("nine"), n_("ten"), n_("eleven"), n_("twelve")),
)


LARGEST_WORD = len(CARDINALS)


def place_of(place: int, length: int) -> tuple[str, str]:
    """("third", "five"), and for a longer line ("3rd", "20"), in German ("3.", "20")."""
    if length <= LARGEST_WORD:
        return t(ORDINALS[place - 1]), t(CARDINALS[length - 1])
    return f"{place}." if current_language() == "de" else f"{place}{_english_ending(place)}", str(length)


def _english_ending(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def cardinal(number: int) -> str:
    """Five, for 5; beyond twelve in digits."""
    return t(CARDINALS[number - 1]) if 1 <= number <= LARGEST_WORD else str(number)
