"""What a form may say: texts, numbers, times and days, checked one by one, and all that does not fit told at once."""

from collections.abc import Callable
from datetime import date, time
from typing import ParamSpec, TypeVar

from medcal.errors import Invalid, InvalidForm
from medcal.i18n import t
from medcal.services.patients import check_free_text

P = ParamSpec("P")
T = TypeVar("T")

# A calendar reaches no farther, and dates stay far from where arithmetic ends.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)


class Check:
    """Runs checks and gathers what they refuse."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}

    def __call__(self, check: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return check(*args, **kwargs)
        except Invalid as refusal:
            self.problems.setdefault(refusal.field, str(refusal))
            return None

    def done(self) -> None:
        """Raises InvalidForm unless everything fitted."""
        if self.problems:
            raise InvalidForm(self.problems)


def check_line(given: str, field: str, longest: int, *, is_needed: bool = True) -> str:
    """A text on one line, spaces put in order. Raises Invalid when it is missing, too long, or has no letter or digit."""
    kept = " ".join(check_free_text(given, field, longest).split())
    if is_needed and not any(letter.isalnum() for letter in kept):
        raise Invalid(t("Please fill this in."), field)
    return kept


def check_number(given: str, field: str, bounds: tuple[int, int]) -> int:
    """A whole number within bounds. Raises Invalid."""
    least, most = bounds
    digits = given.strip()
    if not digits.isascii() or not digits.isdigit() or not least <= int(digits[:9]) <= most:
        raise Invalid(t("Please give a number from {least} to {most}.", least=least, most=most), field)
    return int(digits[:9])


def check_wall_time(given: str, field: str) -> time:
    """A time of day on the wall clock, to the minute. Raises Invalid."""
    try:
        return time.fromisoformat(given.strip()).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise Invalid(t("Please give a time of day, for example 09:30."), field) from None


def check_day(given: str, field: str) -> date:
    """A day that a calendar has. Raises Invalid."""
    try:
        day = date.fromisoformat(given.strip())
    except ValueError:
        day = date.min
    if not FIRST_DAY <= day <= LAST_DAY:
        raise Invalid(t("Please give a date."), field)
    return day
