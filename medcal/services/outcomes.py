"""What came of a try to hand a message over, whichever way it went."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from medcal.i18n import n_

WRONG_SETTINGS = n_("The receiver refuses us: the settings are wrong.")
WRONG_MESSAGE = n_("The receiver refuses this message.")
NO_SUCH_ADDRESS = n_("The address does not take it.")


class Verdict(StrEnum):
    """`accepted` promises to try, and a callback may tell the rest; `delivered` and `bounced` are final."""

    accepted = "accepted"
    delivered = "delivered"
    bounced = "bounced"
    temporary = "temporary"
    permanent = "permanent"


@dataclass(frozen=True)
class Outcome:
    """`error` names nobody and goes into logs; `said` are the far end's own words, for the ledger alone.

    `why` says in ours why it will never be taken, `retry_after` is what the receiver asked for.
    """

    verdict: Verdict
    status_code: int | None = None
    error: str = ""
    retry_after: timedelta = timedelta(0)
    said: str = ""
    why: str = ""
