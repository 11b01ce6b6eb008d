"""One's own account: the second step, and where one is signed in. The password is a form that is posted, see api/passwords.py."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, TypeVar

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.cookies import staff_ref
from medcal.edge.guard import open_to
from medcal.errors import MedcalError
from medcal.i18n import t
from medcal.security import Actor
from medcal.services import own_account
from medcal.services.outbox import clinic_zone
from medcal.state import live
from medcal.state.desk_answers import done, refused
from medcal.state.forms import text
from medcal.state.session import actor_of
from medcal.state.sign_in import sentence_for
from medcal.viewmodels.accounts import AccountSheet, Picture, in_fours, qr_picture

T = TypeVar("T")
Step = Literal["", "set-up", "scan", "codes", "renew", "turn-off"]


class AccountState(rx.State):
    """What the page shows; `step` is the dialog that is open. Key, picture and codes stay no longer than it does."""

    sheet: AccountSheet = AccountSheet()
    is_loaded: bool = False
    problem: str = ""
    said: str = ""
    step: str = ""
    step_problem: str = ""
    key_to_type: str = ""
    picture: Picture = Picture()
    codes: list[str] = []

    @open_to("staff", "unfinished")
    async def load(self) -> None:
        live.subscribe("account", self)
        query = self.router.url.query_parameters
        self.problem = sentence_for(query.get("failed", ""), own=True)
        self.said = t("You have a new password, and are signed out everywhere else.") if query.get("done") else ""
        self._close()
        await self._refresh(clock.now())

    @open_to("staff", "unfinished")
    def begin(self, step: Literal["set-up", "renew", "turn-off"]) -> None:
        self._close()
        self.step = step

    @open_to("staff", "unfinished")
    def close(self) -> None:
        self._close()

    # --- The second step ----------------------------------------------------------------------------------------------

    @open_to("staff", "unfinished")
    async def set_up(self, form: dict[str, Any]) -> None:
        """The password again, then the key for the app."""
        found = await self._try(own_account.begin_second_step, text(form, "password_again"))
        if found:
            self.key_to_type, self.picture, self.step = in_fours(found.key), qr_picture(found.address), "scan"

    @open_to("staff", "unfinished")
    async def confirm(self, form: dict[str, Any]) -> None:
        """A code of the app turns it on; the recovery codes are shown, once."""
        here = _cookie_of(self)
        codes = await self._try(own_account.confirm_second_step, text(form, "code"), here, now=clock.now())
        await self._show_codes(codes)

    @open_to("staff", "unfinished")
    async def renew(self, form: dict[str, Any]) -> None:
        await self._show_codes(await self._try(own_account.renew_recovery_codes, text(form, "code"), now=clock.now()))

    @open_to("staff", "unfinished")
    async def turn_off(self, form: dict[str, Any]) -> Any:
        await self._try(own_account.turn_off_second_step, text(form, "code"), now=clock.now())
        if self.step_problem:
            return None
        self._close()
        await self._refresh(clock.now())
        return done(t("From now on your password alone lets you in."))

    async def _show_codes(self, codes: list[str] | None) -> None:
        if codes:
            self._close()
            self.codes, self.step = codes, "codes"
            await self._refresh(clock.now())

    async def _try(self, verb: Callable[..., T], *args: Any, **kwargs: Any) -> T | None:
        """One step that asks for a password or a code; what is wrong with it stands in the dialog."""
        self.step_problem, actor = "", actor_of(self, unfinished=True)
        try:
            await run(own_account.count_try, actor, now=clock.now())
            return await run(verb, actor, *args, **kwargs)
        except MedcalError as refusal:
            self.step_problem = str(refusal)
            return None

    # --- Where one is signed in ---------------------------------------------------------------------------------------

    @open_to("staff", "unfinished")
    async def sign_out_there(self, ref: uuid.UUID) -> Any:
        answer = done(t("Signed out there."))
        try:
            await run(own_account.sign_out_there, actor_of(self, unfinished=True), ref, now=clock.now())
        except MedcalError as refusal:
            answer = refused(refusal)
        await self._refresh(clock.now())
        return answer

    @open_to("staff", "unfinished")
    async def sign_out_elsewhere(self) -> Any:
        await run(own_account.sign_out_elsewhere, actor_of(self, unfinished=True), _cookie_of(self), now=clock.now())
        await self._refresh(clock.now())
        return done(t("Signed out everywhere else."))

    def _close(self) -> None:
        self.step = self.step_problem = self.key_to_type = ""
        self.picture, self.codes = Picture(), []

    async def _refresh(self, now: datetime) -> None:
        self.sheet = await run(_read, actor_of(self, unfinished=True), _cookie_of(self), now)
        self.is_loaded = True


def _cookie_of(state: rx.State) -> str:
    return staff_ref(state.router.headers.raw_headers) or ""


def _read(db: Session, actor: Actor, cookie: str, now: datetime) -> AccountSheet:
    return AccountSheet.of(own_account.read(db, actor, cookie, now), clinic_zone(db))
