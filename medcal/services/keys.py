"""A new key for what lies sealed in the database: everything is sealed anew with it while the clinic works."""

from dataclasses import dataclass

from sqlmodel import Session, SQLModel

from medcal.config import settings
from medcal.db import fetch, in_transaction
from medcal.models.sealed import Sealed, key_id, seal_note, try_to_open

ONCE = 200


@dataclass(frozen=True)
class Place:
    """Where sealed texts lie: `read` finds one in a row, `write` puts one in its place."""

    about: str
    table: str
    read: str
    write: str


@dataclass(frozen=True)
class Resealed:
    """How many texts have the new key now, and how many none of the keys opens: those stay as they are."""

    done: int
    unreadable: int
    # The row that was looked at last; 0 when none is left.
    last: int = 0


def sealed_places() -> list[Place]:
    """Every sealed column of every table, and the copy of one that waits for the desk to take a move back."""
    columns = [
        (table.name, column.name, column.type.about)
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Sealed)
    ]
    remembered = Place(
        "appointment.overbooked_reason",
        "appointment",
        "undo->>'overbooked_reason'",
        "undo = jsonb_set(undo, '{overbooked_reason}', to_jsonb(%(new)s::text))",
    )
    return [*(Place(about, table, name, f"{name} = %(new)s") for table, name, about in columns), remembered]


def reseal_everything() -> Resealed:
    """Seal with the first key what another one has sealed, in transactions of some rows each.

    What is changed meanwhile keeps its change. May be stopped and begun again at any time; whoever is done finds nothing to do.
    """
    found = [_reseal_place(place) for place in sealed_places()]
    return Resealed(sum(each.done for each in found), sum(each.unreadable for each in found))


def _reseal_place(place: Place) -> Resealed:
    done = unreadable = last = 0
    while (found := in_transaction(_reseal_some, place, last)).last:
        done, unreadable, last = done + found.done, unreadable + found.unreadable, found.last
    return Resealed(done, unreadable)


def _reseal_some(db: Session, place: Place, after: int) -> Resealed:
    mine = key_id(settings().data_keys[0])
    rows = fetch(
        db,
        f"""SELECT id, {place.read} AS kept FROM {place.table}
             WHERE id > %(after)s AND {place.read} <> '' AND {place.read} NOT LIKE %(mine)s ORDER BY id LIMIT {ONCE}""",
        after=after,
        mine=f"{mine}:%",
    )
    opened = [(row, try_to_open(row.kept, place.about)) for row in rows]
    done = sum(_replace(db, place, row.id, row.kept, text) for row, text in opened if text is not None)
    return Resealed(done, sum(text is None for _, text in opened), rows[-1].id if rows else 0)


def _replace(db: Session, place: Place, id_: int, old: str, text: str) -> bool:
    # Only what was read: whoever writes at the same instant has the last word.
    rows = fetch(
        db,
        f"UPDATE {place.table} SET {place.write} WHERE id = %(id)s AND {place.read} = %(old)s RETURNING id",
        id=id_,
        old=old,
        new=seal_note(text, place.about),
    )
    return bool(rows)
