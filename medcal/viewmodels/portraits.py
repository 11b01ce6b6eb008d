"""Pictures of doctors: the drawn ones that ship with the demo, and initials for everybody else."""

from functools import cache
from pathlib import Path
from urllib.parse import quote

from medcal import routes
from medcal.theme import COLOURS

_DRAWN = Path(__file__).resolve().parents[2] / "assets" / "doctors"
_TITLES = frozenset(("dr", "prof", "med", "dent", "univ", "mag", "priv", "doz"))


def portrait_of(slug: str, name: str) -> str:
    """Where the picture of a doctor is: a file of ours, or her initials drawn in the address itself."""
    return routes.portrait(slug) if slug in _drawn() else _initials(name)


@cache
def _drawn() -> frozenset[str]:
    return frozenset(file.stem for file in _DRAWN.glob("*.svg"))


@cache
def _initials(name: str) -> str:
    ink, ground = COLOURS["accent"][0], COLOURS["accent-soft"][0]
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 160"><path d="M0 0h160v160H0z" fill="{ground}"/>'
        f'<text x="80" y="98" text-anchor="middle" font-family="Georgia,serif" font-size="56" fill="{ink}">'
        f"{letters_of(name)}</text></svg>"
    )
    return f"data:image/svg+xml,{quote(drawn)}"


def letters_of(name: str) -> str:
    """The first letters of the first and the last name, without titles: A and O of Dr. Ada Okafor."""
    words = [word for word in name.replace("-", " ").split() if word.strip(".").casefold() not in _TITLES]
    letters = [next((letter for letter in word if letter.isalnum()), "") for word in words]
    first_and_last = [letters[0], letters[-1]] if len(letters) > 1 else letters
    return "".join(first_and_last).upper()
