"""Who sits at the browser: asked of the database at every protected event, and nothing is left for the next one."""

import contextvars
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import reflex as rx
from reflex_base.registry import RegistrationContext
from sqlmodel import Session

from medcal import clock
from medcal.db import fetch, in_transaction
from medcal.edge.guard import Guard, open_to
from medcal.errors import SignedOut
from medcal.i18n import t
from medcal.models import StaffUser
from medcal.security import Actor, ActorKind, Role, digest
from medcal.services import accounts, sessions
from medcal.state import session
from medcal.state.session import Languages, SessionState, actor_of, client_address, identify, visit_of
from tests.support.factories import PASSWORD, make_user


class DeskProbe(rx.State):
    said: str = ""
    notes: str = ""

    @open_to("staff")
    def who(self):
        self.said = f"{actor_of(self).name} is {actor_of(self).role}"

    @open_to("admin")
    def rule(self):
        self.said = "ruled"

    @open_to("staff")
    def note(self, text: str):
        self.notes = text

    @open_to("anyone")
    def who_is_anyone(self):
        self.said = actor_of(self).name

    @open_to("staff")
    def chain(self):
        return DeskProbe.who_is_anyone

    @open_to("anyone")
    def visit(self):
        self.said = visit_of(self)

    @open_to("anyone")
    def speak(self):
        self.said = t("We cannot find that.")

    @open_to("anyone")
    def where(self):
        self.said = str(client_address(self))


@pytest.fixture(scope="module")
def app() -> Iterator[rx.App]:
    token = RegistrationContext.set(RegistrationContext.ensure_context().fork())
    app = rx.App()
    for route in ("/", "/staff", "/de/staff"):
        app.add_page(lambda: rx.el.main(), route=route, title="Probe")
    app.add_middleware(Languages())
    app.add_middleware(Guard(identify))
    yield app
    RegistrationContext.reset(token)


@pytest.fixture
def sam(db: Session) -> StaffUser:
    return make_user(db)


@pytest.fixture
def cookie(sam: StaffUser) -> str:
    return sign_in(sam)


def sign_in(user: StaffUser) -> str:
    """A new session; returns the cookie of the browser."""
    return in_transaction(accounts.sign_in, user.email, PASSWORD, now=clock.now())[1]


@pytest.fixture
def tab(new_tab: Any, cookie: str) -> Any:
    """An open page of Sam at the desk."""
    tab = new_tab(staff=cookie)
    tab.open("/staff")
    return tab


def test_a_page_shows_who_is_signed_in(tab):
    assert tab.value(SessionState, "name") == "Sam Stern"
    assert tab.value(SessionState, "role") == "reception"


def test_a_handler_knows_who_calls_it(tab):
    tab.send(DeskProbe.who)

    assert tab.value(DeskProbe, "said") == "Sam Stern is reception"


def test_nobody_calls_what_is_for_another_role(tab):
    tab.send(DeskProbe.rule)

    assert not tab.value(DeskProbe, "said")


def test_without_a_session_a_browser_is_nobody(db, new_tab):
    for cookie in ("", "a-cookie-that-somebody-made-up"):
        tab = new_tab(staff=cookie)
        tab.open("/staff")

        tab.send(DeskProbe.who)

        assert not tab.value(DeskProbe, "said")
        assert not tab.value(SessionState, "name")
        assert tab.redirects == ["/sign-in"]


def test_signing_out_works_at_once_on_an_open_page(tab, cookie):
    in_transaction(sessions.sign_out, digest(cookie))

    tab.send(DeskProbe.who)

    assert not tab.value(DeskProbe, "said")
    assert tab.redirects == ["/sign-in"]


def test_signing_out_everywhere_reaches_every_browser(new_tab, sam):
    tabs = [new_tab(staff=sign_in(sam)), new_tab(staff=sign_in(sam))]
    in_transaction(sessions.sign_out_everywhere, sam.id)

    for tab in tabs:
        tab.send(DeskProbe.who)

        assert not tab.value(DeskProbe, "said")


def test_a_disabled_account_is_out_at_once_on_its_open_session(db, tab, sam):
    sam.is_active = False
    db.flush()

    tab.send(DeskProbe.who)

    assert not tab.value(DeskProbe, "said")


def test_a_new_role_counts_at_once(db, tab, sam):
    sam.role = Role.admin
    db.flush()

    tab.send(DeskProbe.rule)

    assert tab.value(DeskProbe, "said") == "ruled"
    assert tab.value(SessionState, "role") == "admin"


def test_a_new_role_does_not_inherit_what_the_old_one_saw(db, tab, sam):
    tab.send(DeskProbe.note, text="only for reception")
    sam.role = Role.admin
    db.flush()

    tab.frames.clear()
    tab.open("/staff")

    assert "only for reception" not in "".join(tab.frames)
    assert tab.value(DeskProbe, "notes") == ""


def test_after_a_session_has_ended_a_reload_shows_nothing_of_it(db, tab, cookie):
    tab.send(DeskProbe.note, text="about a patient")
    fetch(
        db,
        "UPDATE session SET seen_at = seen_at - %(long)s::interval WHERE cookie_digest = %(cookie)s",
        cookie=digest(cookie),
        long=timedelta(hours=5),
    )

    tab.frames.clear()
    tab.open("/staff")

    assert "about a patient" not in "".join(tab.frames)
    assert tab.value(DeskProbe, "notes") == ""
    assert tab.value(SessionState, "name") == ""
    assert tab.value(rx.State, "is_hydrated") is True


@pytest.mark.parametrize("handler", ["who_is_anyone", "chain"])
def test_a_handler_open_to_anyone_has_no_actor_even_when_staff_chains_it(tab, handler):
    with pytest.raises(Exception, match="sign in"):
        tab.send(DeskProbe.event_handlers[handler])


def test_an_actor_is_good_for_her_own_tab_alone():
    alone = contextvars.copy_context()
    alone.run(session._present.set, ("the token of another tab", Actor(ActorKind.staff, name="Sam Stern")))

    with pytest.raises(SignedOut):
        alone.run(actor_of, DeskProbe())


def test_nothing_about_the_actor_goes_to_the_browser_but_name_and_role(tab, sam, cookie):
    frames = "".join(tab.frames)

    assert sam.email not in frames and digest(cookie) not in frames and cookie not in frames
    assert "holds_data_of" not in frames


def test_a_visit_is_known_by_its_digest(new_tab):
    tab = new_tab(visit="cookie-of-a-visitor-0")

    tab.send(DeskProbe.visit)

    assert tab.value(DeskProbe, "said") == digest("cookie-of-a-visitor-0")


def test_a_browser_without_cookies_is_asked_for_them(new_tab):
    with pytest.raises(Exception, match="cookies"):
        new_tab().send(DeskProbe.visit)


def test_handlers_speak_the_language_of_their_page(tab, monkeypatch):
    from medcal import i18n

    class Shouting:
        def gettext(self, text: str) -> str:
            return text.upper()

    catalogue = i18n._catalogue
    monkeypatch.setattr(i18n, "_catalogue", lambda code: Shouting() if code == "de" else catalogue(code))
    tab.send(DeskProbe.speak)
    english = tab.value(DeskProbe, "said")
    tab.path = "/de/staff"
    tab.send(DeskProbe.speak)

    assert (english, tab.value(DeskProbe, "said")) == ("We cannot find that.", "WE CANNOT FIND THAT.")
    assert tab.value(SessionState, "language") == "de"


def test_a_proxy_that_hides_everybody_is_nobodys_address(tab):
    tab.send(DeskProbe.where)

    assert tab.value(DeskProbe, "said") == "None"
