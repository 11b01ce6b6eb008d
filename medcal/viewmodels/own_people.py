"""Those whose data a browser may ask for."""

from dataclasses import dataclass

from medcal.i18n import t
from medcal.services.own_requests import OwnPerson
from medcal.viewmodels.dates import long_date


@dataclass(frozen=True)
class PersonLine:
    """One of them. `asks_birth`: whether her date of birth must be given before she is erased."""

    ref: str = ""
    name: str = ""
    born: str = ""
    asks_birth: bool = False

    @classmethod
    def of(cls, person: OwnPerson) -> "PersonLine":
        born = t("born on {date}", date=long_date(person.born_on)) if person.born_on else ""
        return cls(str(person.ref), person.name, born, person.born_on is not None)
