"""Somebody who is signed in, and puts what stops Reflex into every field of every handler: it is a text like any other."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, get_origin, get_type_hints

import pytest
from sqlalchemy import create_engine
from sqlmodel import Session

from medcal import clock
from medcal.edge.cookies import STAFF
from medcal.edge.waiting import MOST_WAITING
from medcal.security import Role
from medcal.services import accounts
from tests.api.test_hostile_socket import TAG, Scene, batches, our_handlers, payloads, people_of
from tests.support import databases, factories
from tests.support.raw_socket import running_worker

# The fields of all forms of the staff's pages and of patients'.
FIELDS = (
    *(
        "name",
        "born_on",
        "email",
        "phone",
        "reason",
        "request",
        "booker_name",
        "proof",
        "overbook_reason",
        "opens",
        "closes",
    ),
    *(
        "notice_hours",
        "weekday_0",
        "day",
        "time",
        "until",
        "first_day",
        "last_day",
        "role",
        "code",
        "password",
        "subject",
    ),
    *(
        "brief",
        "body",
        "slug",
        "summary",
        "about",
        "qualification",
        "languages",
        "street",
        "city",
        "zone",
        "length_minutes",
    ),
)
BYTES_MORE = 60 * 2**20


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Robin, an admin, where otherwise Sam is."""
    name = databases.new_name()
    url = databases.copy_template(name)
    prepared = people_of(url)
    with running_worker(url, tmp_path_factory.mktemp("worker")) as worker:
        made = Scene(database_url=url, worker=worker, **prepared)
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
        with Session(engine, expire_on_commit=False) as db:
            robin = factories.make_user(db, "Robin Roth", Role.admin)
            _, session = accounts.sign_in(db, robin.email, factories.PASSWORD, now=clock.now())
            db.commit()
        engine.dispose()
        yield replace(made, sam=f"{STAFF}={session}")
    databases.drop(name)


def tagged(fn: Callable[..., Any], scene: Scene) -> Iterator[dict[str, Any]]:
    """What fits, with the tag in one text after the other; forms with the tag in one field, and in all."""
    fitting = next(payloads(fn, scene))
    for name, hint in get_type_hints(fn).items():
        if name == "return":
            continue
        if (get_origin(hint) or hint) is dict:
            yield from ({**fitting, name: {**fitting[name], field: TAG}} for field in FIELDS)
            yield {**fitting, name: dict.fromkeys(FIELDS, TAG)}
        elif hint is str:
            yield {**fitting, name: TAG}
            yield {**fitting, name: f"{TAG} " * 40}


def send_all(scene, events):
    for some in batches(events, MOST_WAITING - 4):
        with scene.socket(scene.sam, path="/staff") as robin:
            for name, payload in some:
                robin.send(name, payload)
            robin.settle()


def test_the_tag_in_any_field_of_any_handler_is_a_text_like_any_other(scene):
    ours = {name: fn for name, fn in our_handlers().items() if not _ends_the_session(name)}
    events = [(name, payload) for name, fn in ours.items() for payload in tagged(fn, scene)]
    assert len(events) > 300

    # What handlers load when they are first called, and what checking a password takes, is there from now on.
    send_all(scene, list(dict(events).items()))
    before = scene.worker.memory
    send_all(scene, events)

    assert scene.worker.ping()
    assert scene.worker.memory - before < BYTES_MORE
    assert "Traceback" not in scene.worker.log
    with scene.socket(scene.sam, path="/staff") as robin:
        assert "Robin Roth" in "".join(robin.heard)


def _ends_the_session(name: str) -> bool:
    return "sign_out" in name
