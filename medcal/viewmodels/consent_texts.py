"""The texts that patients agree to, on the screen of an admin."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from medcal.i18n import n_, t
from medcal.services.consent_texts import Standing, Version
from medcal.services.consents import Purpose
from medcal.viewmodels.dates import stamp

PURPOSE_WORDS = {Purpose.booking: n_("To book a visit"), Purpose.waitlist: n_("To be told of something earlier")}


@dataclass(frozen=True)
class VersionRow:
    """A version that was in use, with its words."""

    title: str
    words: str
    is_in_force: bool


@dataclass(frozen=True)
class ConsentSheet:
    """What stands beside the form."""

    standing: str = ""
    is_own: bool = False
    versions: list[VersionRow] = field(default_factory=list)

    @classmethod
    def of(cls, found: Standing, zone: ZoneInfo) -> "ConsentSheet":
        own = t("Your own text: version {version}.", version=found.in_force)
        return cls(
            standing=own if found.in_force else t("This is the text that Medcal comes with."),
            is_own=bool(found.in_force),
            versions=[_row(version, found.in_force, zone) for version in found.versions],
        )


def _row(version: Version, in_force: int, zone: ZoneInfo) -> VersionRow:
    by = version.by or "Medcal"
    title = t("Version {version}, {date}, {by}", version=version.version, date=stamp(version.since, zone), by=by)
    return VersionRow(title, version.words, version.version == in_force)
