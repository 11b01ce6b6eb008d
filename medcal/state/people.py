"""The staff as admins see and change them."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import reflex as rx
from sqlmodel import Session

from medcal import clock, routes
from medcal.config import settings
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, MedcalError, NotFound
from medcal.i18n import current_language, t
from medcal.security import Actor, Role
from medcal.services import people
from medcal.services.outbox import clinic_zone
from medcal.services.staff_links import NewLink
from medcal.state import live
from medcal.state.desk_answers import done, ref_in, refused
from medcal.state.forms import Form, text
from medcal.state.session import actor_of
from medcal.viewmodels.accounts import MemberRow
from medcal.viewmodels.dates import moment
from medcal.viewmodels.patient import Choice

NOBODY = MemberRow("", "", "", "reception", "", "", "", True, False, False, False, "", "", "", "")


class PeopleState(rx.State):
    """The list, the dialog that is open (invite, member, link), and whom it is about. A link is shown once, in its dialog."""

    rows: list[MemberRow] = []
    doctors: list[Choice] = []
    is_loaded: bool = False
    dialog: str = ""
    member: MemberRow = NOBODY
    role: str = "reception"
    problems: dict[str, str] = {}
    link: str = ""
    link_until: str = ""

    @open_to("admin")
    async def load(self) -> None:
        live.subscribe("people", self)
        self._close()
        self.doctors = await run(_doctors, actor_of(self))
        await self._refresh(clock.now())

    @open_to("admin")
    def open_invitation(self) -> None:
        self._close()
        self.dialog = "invite"

    @open_to("admin")
    def open_member(self, ref: uuid.UUID) -> Any:
        self._close()
        found = next((row for row in self.rows if row.ref == str(ref)), None)
        if found is None:
            return refused(NotFound())
        self.member, self.role, self.dialog = found, found.role, "member"
        return None

    @open_to("admin")
    def close(self) -> None:
        self._close()

    @open_to("admin")
    def choose_role(self, role: Literal["admin", "reception", "doctor"]) -> None:
        self.role = role

    # --- What is done -------------------------------------------------------------------------------------------------

    @open_to("admin")
    async def invite(self, form: dict[str, Any]) -> Any:
        try:
            wanted = {"email": text(form, "email"), "name": text(form, "name"), **_role_of(form)}
            link = await run(people.invite, **wanted, language=current_language(), by=actor_of(self), now=clock.now())
        except Invalid as refusal:
            self.problems = {refusal.field: str(refusal)}
            return None
        except MedcalError as refusal:
            return refused(refusal)
        self._close()
        if link:
            await self._show_link(link, wanted["name"])
        await self._refresh(clock.now())
        return None if link else done(t("Invited: the first sign-in at the provider opens the account."))

    @open_to("admin")
    async def make_link(self) -> Any:
        try:
            link = await run(people.make_link, self._chosen(), by=actor_of(self), now=clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        await self._show_link(link, self.member.name)
        await self._refresh(clock.now())
        return None

    @open_to("admin")
    async def set_role(self, form: dict[str, Any]) -> Any:
        try:
            wanted = _role_of(form)
        except MedcalError as refusal:
            return refused(refusal)
        said = t("The new role holds from now on; whoever is signed in signs in anew.")
        return await self._do(people.set_role, said, wanted["role"], wanted["doctor_ref"])

    @open_to("admin")
    async def disable(self) -> Any:
        return await self._do(people.disable, t("Signed out, and cannot sign in any more."))

    @open_to("admin")
    async def enable(self) -> Any:
        return await self._do(people.enable, t("May sign in again."))

    @open_to("admin")
    async def sign_out(self) -> Any:
        return await self._do(people.sign_out, t("Signed out everywhere."))

    @open_to("admin")
    async def remove_second_step(self) -> Any:
        return await self._do(people.remove_second_step, t("The password alone lets in again."))

    async def _do(self, verb: Callable[..., object], said: str, *args: Any) -> Any:
        """One step about whom the dialog is open for; then it closes, unless something was refused."""
        try:
            await run(verb, self._chosen(), *args, by=actor_of(self), now=clock.now())
        except Invalid as refusal:
            self.problems = {refusal.field: str(refusal)}
            return None
        except MedcalError as refusal:
            return refused(refusal)
        self._close()
        await self._refresh(clock.now())
        return done(said)

    def _chosen(self) -> uuid.UUID:
        return ref_in(self.member.ref)

    async def _show_link(self, link: NewLink, name: str) -> None:
        zone = await run(clinic_zone)
        self.link = settings().url + routes.staff_link(link.token)
        self.link_until = t("For {name}. Works once, until {moment}.", name=name, moment=moment(link.expires_at, zone))
        self.dialog = "link"

    def _close(self) -> None:
        self.dialog = self.link = self.link_until = ""
        self.member, self.role, self.problems = NOBODY, "reception", {}

    async def _refresh(self, now: datetime) -> None:
        self.rows = await live.shared(_read, actor_of(self), now)
        self.is_loaded = True


def _role_of(form: Form) -> dict[str, Any]:
    """Role and doctor of a form. Raises Invalid."""
    doctor = text(form, "doctor_id")
    try:
        return {"role": Role(text(form, "role")), "doctor_ref": uuid.UUID(doctor) if doctor else None}
    except ValueError:
        raise Invalid(t("Please choose a role."), "role") from None


def _read(db: Session, actor: Actor, now: datetime) -> list[MemberRow]:
    zone = clinic_zone(db)
    return [MemberRow.of(member, zone) for member in people.list_members(db, actor, now)]


def _doctors(db: Session, actor: Actor) -> list[Choice]:
    return [Choice(str(ref), name) for ref, name in people.doctors(db, actor)]
