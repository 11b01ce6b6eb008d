"""What patients read about their data: for how long it is kept, and who receives it, as the settings have it."""

from dataclasses import dataclass

from medcal.config import Settings
from medcal.i18n import t, tn


@dataclass(frozen=True)
class Times:
    """For how long each kind of data stays, in words."""

    patients: str = ""
    notes: str = ""
    messages: str = ""
    wishes: str = ""
    holds: str = ""
    looks: str = ""
    changes: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "Times":
        keeps = settings.keeps
        return cls(
            patients=_months(keeps.patients_months),
            notes=_months(keeps.notes_months),
            messages=_days(keeps.messages_days),
            wishes=_days(keeps.wishes_days),
            holds=_days(keeps.holds_days),
            looks=_long(settings.audit_days["access_record"]),
            changes=_long(settings.audit_days["event"]),
        )


def _months(months: int) -> str:
    """36 months are three years."""
    if months and months % 12 == 0:
        return tn("{count} year", "{count} years", months // 12)
    return tn("{count} month", "{count} months", months) if months else _for_ever()


def _days(days: int) -> str:
    return tn("{count} day", "{count} days", days) if days else _for_ever()


def _long(days: int) -> str:
    """Whole years where they are some: leap days are few beside them. Nobody can ask for an erasure of who looked."""
    if not days:
        return t("for ever")
    return tn("{count} year", "{count} years", days // 365) if days % 365 == 0 else _days(days)


def _for_ever() -> str:
    return t("until you ask us to erase it")


def receivers(settings: Settings) -> list[str]:
    """Who hands our messages on, as it is set up; nobody but the clinic where nothing is."""
    found = []
    if settings.n8n_webhook_url or settings.n8n_webhook_urls:
        found.append(
            t(
                "The service that sends our e-mails and text messages for us (n8n), and the mail and phone companies it uses."
            )
        )
    if settings.smtp:
        found.append(t("The mail server that sends our e-mails, and your own mail company."))
    return found or [t("Nobody outside of the clinic: we send no e-mails and no text messages from here.")]
