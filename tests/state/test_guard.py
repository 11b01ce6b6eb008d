"""The guard in front of a state of its own: who gets through, with what, and what the others hear."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
import reflex as rx
from pydantic import ValidationError
from reflex.state import OnLoadInternalState, State
from reflex_base.event import Event
from reflex_base.registry import RegistrationContext

from medcal.edge import payloads
from medcal.edge.cookies import staff_ref
from medcal.edge.guard import Guard, forget, open_to, rule_of
from medcal.edge.waiting import MOST_WAITING
from medcal.i18n import current_language
from medcal.security import digest

RECEPTION, ADMIN, VISITOR = ("cookie-of-reception-0", "cookie-of-the-admin-0", "cookie-of-a-visitor-0")
SORRY = "That did not work. Please reload the page and try again."
VAR_TAGS = ["<reflex.Var>x</reflex.Var>", "<reflex.Var></reflex.Var>", "<reflex.Var>", "<reflex.Var>-99</reflex.Var>"]

sessions: dict[str, str] = {}


class Probe(rx.State):
    said: str = ""
    appointment: str = ""
    _note: str = ""

    def forgotten(self, text: str):  # public and undecorated: Reflex would let anybody call it
        self.said = text

    @open_to("anyone")
    def say(self, text: str, count: int = 1):
        self.said = text * count

    @open_to("anyone")
    def fill_in(self, form: dict):
        self.said = json.dumps(form)

    @open_to("anyone")
    def choose(self, kind: Literal["a", "b"]):
        self.said = kind

    @open_to("visitor")
    def visit(self):
        self.said = "visited"

    @open_to("staff")
    def load(self):
        self.appointment = "Alice, 09:30"

    @open_to("admin")
    def wipe(self):
        self.said = "wiped"

    @open_to("anyone")
    def chain(self):
        return [Probe.forgotten("x"), Probe.wipe()]

    @open_to("anyone")
    def repeat(self, text: str):
        return [rx.toast(text), rx.redirect(text), rx.set_value("field", text), Probe.say(text)]

    @open_to("anyone", background=True)
    async def in_background(self):
        async with self:
            self.said = "done in the background"

    @open_to("anyone")
    async def dawdle(self):
        await asyncio.sleep(0.01)
        self.said += "x"


async def identify(root: State, _: Event) -> str | None:
    ref = staff_ref(root.router.headers.raw_headers)
    if ref and ref not in sessions:
        await forget(root)
    return sessions.get(ref or "")


@pytest.fixture(scope="module")
def app() -> Iterator[rx.App]:
    """An app of its own, beside the real one: Reflex allows one per registration."""
    token = RegistrationContext.set(RegistrationContext.ensure_context().fork())
    app = rx.App()
    app.add_page(lambda: rx.el.main(), route="/", title="Probe")
    app.add_page(lambda: rx.el.main(), route="/staff", title="Staff", on_load=Probe.load)
    app.add_middleware(Guard(identify))
    yield app
    RegistrationContext.reset(token)


@pytest.fixture(autouse=True)
def signed_in() -> Iterator[None]:
    sessions.update({digest(RECEPTION): "reception", digest(ADMIN): "admin"})
    yield
    sessions.clear()


@pytest.fixture
def tab(new_tab: Callable[..., Any]) -> Any:
    """Somebody who is not signed in."""
    return new_tab()


def test_an_open_handler_runs(tab):
    tab.send(Probe.say, text="hello", count=2)

    assert tab.value(Probe, "said") == "hellohello"
    assert tab.toasts == []


def test_a_handler_without_a_rule_is_closed(tab):
    tab.send(Probe.forgotten, text="x")

    assert not tab.value(Probe, "said")


@pytest.mark.parametrize("event", ["setvar", "set_said", "no_such_handler"])
def test_nobody_sets_variables_or_invents_handlers(tab, event):
    name = f"{Probe.get_full_name()}.{event}"

    tab.send(name, var_name="said", value="set")

    assert not tab.value(Probe, "said")


def test_setvar_of_the_root_is_closed_too(tab):
    tab.send(State.setvar, var_name="is_hydrated", value=True)

    assert not tab.value(State, "is_hydrated")


def test_chained_events_pass_the_guard_as_well(tab):
    tab.send(Probe.chain)

    assert not tab.value(Probe, "said")
    assert tab.redirects == ["/sign-in"]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"text": 1},
        {"text": None},
        {"text": {"a": 1}},
        {"text": "x", "count": "many"},
        {"text": "x", "count": True},
        {"text": "x", "count": 10**30},
        {"text": "x", "count": {"a": 1}},
        {"text": "x", "more": 1},
        {"text": "x" * 2_001},
        {"text": "a\0b"},
        {"text": "\ud800"},
    ],
)
def test_a_payload_that_does_not_fit_is_answered_kindly(tab, payload):
    tab.send(Probe.say, **payload)

    assert not tab.value(Probe, "said")
    assert tab.toasts == [SORRY]


def test_digits_from_an_input_field_are_a_number(tab):
    tab.send(Probe.say, text="x", count="3")

    assert tab.value(Probe, "said") == "xxx"


def test_only_the_named_choices_are_taken(tab):
    tab.send(Probe.choose, kind="c")
    tab.send(Probe.choose, kind="b")

    assert tab.value(Probe, "said") == "b"
    assert tab.toasts == [SORRY]


def test_a_form_arrives_as_texts(tab):
    entries = [["name", "Alice"], ["day", "1"], ["day", "2"], ["days[]", "1"], ["days[]", "2"]]

    tab.send(Probe.fill_in, form={"__reflex_form_data__": entries})

    assert json.loads(tab.value(Probe, "said")) == {"name": "Alice", "day": "2", "days[]": ["1", "2"]}


@pytest.mark.parametrize(
    "form",
    [
        {"name": {"a": 1}},
        {"name": 5},
        {"name": "x" * 2_001},
        {"name": "\0"},
        {"name\0": "x"},
        {str(number): "x" for number in range(51)},
        {"__reflex_form_data__": "x"},
        {"__reflex_form_data__": [["name"]]},
        {"__reflex_form_data__": [[1, 2]]},
        {"__reflex_form_data__": [["name", "x"]] * 201},
        "name=x",
    ],
)
def test_a_form_that_no_browser_sends_is_refused(tab, form):
    tab.send(Probe.fill_in, form=form)

    assert not tab.value(Probe, "said")
    assert tab.toasts == [SORRY]


def test_the_answer_speaks_the_language_of_the_page(new_tab, monkeypatch):
    monkeypatch.setattr("medcal.edge.guard.t", lambda text: f"{current_language()}: {text}")
    tab = new_tab(path="/de/cardiology")

    tab.send(Probe.say)

    assert tab.toasts == [f"de: {SORRY}"]


def test_staff_handlers_send_strangers_to_sign_in(tab):
    tab.send(Probe.load)

    assert not tab.value(Probe, "appointment")
    assert tab.redirects == ["/sign-in"]


def test_german_pages_send_to_the_german_sign_in(new_tab):
    tab = new_tab(path="/de/staff")

    tab.send(Probe.load)

    assert tab.redirects == ["/de/sign-in"]


def test_staff_may_what_their_role_may(new_tab):
    tab = new_tab(staff=RECEPTION)

    tab.send(Probe.load)
    tab.send(Probe.wipe)

    assert tab.value(Probe, "appointment") == "Alice, 09:30"
    assert not tab.value(Probe, "said")
    assert tab.toasts == ["You are not allowed to do that."]
    assert tab.redirects == []


def test_a_session_that_ended_opens_nothing_on_an_open_socket(new_tab):
    tab = new_tab(staff=ADMIN)
    sessions.clear()

    tab.send(Probe.wipe)

    assert not tab.value(Probe, "said")
    assert tab.redirects == ["/sign-in"]


def test_an_invented_cookie_is_no_session(new_tab):
    tab = new_tab(staff="an-invented-cookie-000")

    tab.send(Probe.wipe)

    assert tab.redirects == ["/sign-in"]


def test_visitors_are_browsers_that_keep_the_cookie(new_tab, tab):
    visitor = new_tab(visit=VISITOR)

    visitor.send(Probe.visit)
    tab.send(Probe.visit)

    assert visitor.value(Probe, "said") == "visited"
    assert not tab.value(Probe, "said")
    assert tab.toasts == ["Please allow cookies for this site and reload the page."]


def test_opening_a_page_runs_its_handlers_for_those_who_may(new_tab, tab):
    desk = new_tab(staff=RECEPTION)

    desk.open("/staff")
    tab.open("/staff")

    assert desk.value(Probe, "appointment") == "Alice, 09:30"
    assert not tab.value(Probe, "appointment")
    assert tab.redirects == ["/sign-in"]


def test_nothing_of_an_ended_session_is_sent_again(new_tab):
    tab = new_tab(staff=RECEPTION)
    tab.open("/staff")
    sessions.clear()
    tab.frames.clear()

    tab.open("/")

    assert tab.value(Probe, "appointment") == ""
    assert "Alice" not in "".join(tab.frames)


def test_hydrating_takes_no_variables_from_the_browser(tab):
    tab.send(State.event_handlers["hydrate_and_load"], vars={f"{Probe.get_full_name()}.said_rx_state_": "set"})

    assert tab.value(Probe, "said") == ""


@pytest.mark.parametrize("payload", [{"vars": 5}, {"vars": {"no.such.state": 1}}, {"hashes": 5}, {"more": 1}])
def test_hydrating_with_nonsense_still_hydrates(tab, payload):
    tab.send(State.event_handlers["hydrate_and_load"], **payload)

    assert tab.value(Probe, "said") == ""


@pytest.mark.parametrize("handler", [State.event_handlers["set_is_hydrated"], OnLoadInternalState.set_is_hydrated])
def test_the_end_of_loading_is_the_servers_to_say(tab, handler):
    tab.send(handler, value=True)

    assert not tab.value(State, "is_hydrated")


def test_background_handlers_pass_the_guard(tab):
    tab.send(Probe.in_background)

    assert tab.value(Probe, "said") == "done in the background"


@pytest.mark.parametrize(
    "text", [*VAR_TAGS, f"a {VAR_TAGS[3]} b {VAR_TAGS[0]} c", "<reflexXVar>1</reflexXVar><reflex.Var>"]
)
def test_a_var_tag_in_a_text_neither_hangs_nor_changes_it(tab, text):
    tab.send(Probe.repeat, text=text)

    assert tab.value(Probe, "said") == text
    assert tab.toasts == [text]
    assert tab.redirects == [text]


def test_reflex_own_tags_still_work():
    greeting = f"Hello {Probe.said}!"

    assert "probe.said" in str(rx.Var.create(greeting))
    assert "probe.said" in str(rx.Var.create(f"{greeting} <reflex.Var>x</reflex.Var>"))


def test_one_browser_cannot_pile_up_work(tab):
    async def flood() -> None:
        for _ in range(10 * MOST_WAITING):
            event = Event(name=f"{Probe.get_full_name()}.dawdle", router_data=tab._router_data())
            futures.append(await tab.pipeline._processor.enqueue(tab.token, event))
        await asyncio.gather(*futures, return_exceptions=True)

    futures: list[Any] = []
    tab.pipeline._run(flood())
    tab.send(Probe.dawdle)

    assert sum(not future.cancelled() for future in futures) == MOST_WAITING
    assert tab.value(Probe, "said") == "x" * (MOST_WAITING + 1)


@pytest.mark.parametrize("who", [(), ("nobody",), ("anyone", "admin"), ("visitor", "staff"), ("Admin",)])
def test_a_rule_that_makes_no_sense_stops_the_import(who):
    with pytest.raises(ValueError, match="open_to"):
        open_to(*who)


def test_staff_means_every_role():
    rule = rule_of(Probe.load.fn)

    assert rule
    assert rule.who == {"reception", "doctor", "admin"}
    assert rule.is_for_staff


def test_a_signature_that_leaves_open_what_may_come_is_no_handler():
    def untyped(self, text): ...

    def anything(self, text: Any): ...

    def many(self, *texts: str): ...

    for fn in (untyped, anything, many):
        with pytest.raises(TypeError):
            payloads.adapter(fn)


def test_argument_names_may_be_any():
    def awkward(self, copy: str, schema: str, json: str, model_config: str): ...

    assert payloads.check(awkward, dict.fromkeys(("copy", "schema", "json", "model_config"), "x"))
    with pytest.raises(ValidationError):
        payloads.check(awkward, {})
