"""Admins put the clinic's own text in place of ours; nothing that was agreed to changes."""

import threading

import pytest
from sqlmodel import Session, select

from medcal.db import fetch, in_transaction
from medcal.errors import ChangedMeanwhile, Invalid, MedcalError, NotAllowed, NotFound
from medcal.models import Event
from medcal.security import Actor, Role
from medcal.services.consent_texts import LONGEST, read_text, use_ours, write_text
from medcal.services.consents import Purpose, Shown, keep_version, our_words, text_to_show
from tests.support.factories import NOW, Clinic, actor, make_clinic, make_user

OWN = "We keep your name and number, and call you about your visit."


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.fixture
def chief(db: Session) -> Actor:
    return actor(make_user(db, "Olga Ohm", Role.admin))


def write(db: Session, chief: Actor, words: str, seen: int) -> None:
    write_text(db, chief, "booking", "en", words, seen=seen, now=NOW)


def test_a_text_of_her_own_holds_from_then_on_and_the_one_before_stays_readable(db: Session, chief: Actor) -> None:
    ours = our_words(Purpose.booking, "en")
    keep_version(db, Shown(Purpose.booking, "en", ours), now=NOW)

    write(db, chief, f"  {OWN}\n\n\n And so on,\nand on.  ", seen=0)

    assert text_to_show(db, Purpose.booking, "en").words == f"{OWN}\n\nAnd so on, and on."
    standing = read_text(db, chief, "booking", "en")
    assert standing.in_force == 2
    assert [(version.version, version.by) for version in standing.versions] == [(2, "Olga Ohm"), (1, None)]
    assert standing.versions[1].words == ours
    event = db.exec(select(Event).where(Event.kind == "consent.changed")).one()
    assert event.detail == {"purpose": "booking", "language": "en", "old": 0, "new": 2}


def test_back_to_ours_and_forth_again_makes_no_new_versions(db: Session, chief: Actor) -> None:
    write(db, chief, OWN, seen=0)
    use_ours(db, chief, "booking", "en", seen=1, now=NOW)
    assert text_to_show(db, Purpose.booking, "en").words == our_words(Purpose.booking, "en")

    write(db, chief, OWN, seen=0)

    assert read_text(db, chief, "booking", "en").in_force == 1
    assert len(fetch(db, "SELECT id FROM consent_text")) == 1


def test_the_same_again_is_no_change(db: Session, chief: Actor) -> None:
    write(db, chief, OWN, seen=0)
    write(db, chief, OWN, seen=1)
    write_text(db, chief, "waitlist", "de", our_words(Purpose.waitlist, "de"), seen=0, now=NOW)

    assert len(db.exec(select(Event).where(Event.kind == "consent.changed")).all()) == 1


def test_who_has_not_seen_the_latest_is_told(db: Session, chief: Actor) -> None:
    write(db, chief, OWN, seen=0)

    for late in (lambda: write(db, chief, OWN + " Really.", 0), lambda: write(db, chief, OWN + " Really.", 7)):
        with pytest.raises(ChangedMeanwhile):
            late()
    with pytest.raises(ChangedMeanwhile):
        use_ours(db, chief, "booking", "en", seen=0, now=NOW)


@pytest.mark.parametrize("words", ["", "Yes.", " \n \n ", "x" * (LONGEST + 1)])
def test_what_says_nothing_or_too_much_is_refused(db: Session, chief: Actor, words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        write(db, chief, words, seen=0)
    assert refusal.value.field == "words"


def test_it_is_the_admins_alone_and_for_what_there_is(db: Session, clinic: Clinic, chief: Actor) -> None:
    with pytest.raises(NotAllowed):
        write(db, clinic.desk, OWN, seen=0)
    with pytest.raises(NotAllowed):
        read_text(db, clinic.desk, "booking", "en")
    for purpose, language in (("x", "en"), ("booking", "xx")):
        with pytest.raises(NotFound):
            read_text(db, chief, purpose, language)


def test_of_two_admins_at_the_same_instant_one_is_told(committed: str) -> None:
    chief = in_transaction(lambda db: actor(make_user(db, "Olga Ohm", Role.admin)))
    begin, refused = threading.Barrier(2), list[MedcalError]()

    def save(words: str) -> None:
        begin.wait()
        try:
            in_transaction(write, chief, words, 0)
        except MedcalError as refusal:
            refused.append(refusal)

    threads = [threading.Thread(target=save, args=(f"{OWN} {place}",)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [type(refusal) for refusal in refused] == [ChangedMeanwhile]
    assert len(in_transaction(fetch, "SELECT id FROM consent_text WHERE is_in_force")) == 1
