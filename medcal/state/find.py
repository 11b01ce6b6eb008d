"""Where somebody stands who asks for a code: the address says so in neutral words."""

from datetime import datetime

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import ProofRefused
from medcal.i18n import t
from medcal.services import fair_share, one_time_codes, proof_of_work
from medcal.state.session import client_address


class FindState(rx.State):
    """The step of the form, and why the last one failed."""

    is_code_sent: bool = False
    failure: str = ""
    challenge: str = ""

    @open_to("anyone")
    async def load(self) -> None:
        asked = self.router.url.query_parameters
        self.is_code_sent = asked.get("step") == "code"
        self.failure = _failures().get(asked.get("failed", ""), "")
        await self.renew()

    @open_to("anyone")
    async def ask_again(self) -> None:
        self.is_code_sent, self.failure = False, ""
        await self.renew()

    @open_to("anyone")
    async def renew(self) -> None:
        """Another challenge: the page was open for longer than one lasts."""
        self.challenge = await run(_challenge, client_address(self), clock.now())


def _challenge(db: Session, address: str | None, now: datetime) -> str:
    bits = fair_share.work_for(db, "code", address, now=now)
    return proof_of_work.new_challenge("code", "", bits=bits, until=now + one_time_codes.CHALLENGE_LASTS)


def _failures() -> dict[str, str]:
    return {
        "code": t("This code does not fit, or it is too old. Please check it, or ask for a new one."),
        "wait": t("Too many tries. Please wait a few minutes and try again."),
        "proof": str(ProofRefused()),
        "form": t("Please give the e-mail address or the phone number that you booked with."),
    }
