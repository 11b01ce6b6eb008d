"""Start times in a doctor's day."""

from sqlmodel import Session

from medcal.db import fetch, fetch_one


def slot_for(db: Session, doctor_id: int, starts: object) -> int:
    """The slot of a start time in the doctor's day, made when nobody has used that time before."""
    values = {"doctor_id": doctor_id, "starts": starts}
    fetch(
        db, "INSERT INTO slot (doctor_id, starts) VALUES (%(doctor_id)s, %(starts)s) ON CONFLICT DO NOTHING", **values
    )
    row = fetch_one(db, "SELECT id FROM slot WHERE doctor_id = %(doctor_id)s AND starts = %(starts)s", **values)
    assert row is not None
    return int(row.id)
