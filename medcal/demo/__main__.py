"""`python -m medcal.demo` loads the demo clinic; with --accounts it prints who may sign in."""

import json
import sys

from sqlmodel import Session, col, select

from medcal import clock
from medcal.db import in_transaction
from medcal.demo import story
from medcal.demo.clinic import ACCOUNTS, PASSWORD
from medcal.models import StaffUser


def main() -> None:
    if "--accounts" in sys.argv:
        print(json.dumps(in_transaction(accounts)))
        return
    loaded = in_transaction(story.load, clock.now())
    print("The demo clinic is loaded." if loaded else "There is a clinic already; nothing was changed.")


def accounts(db: Session) -> list[dict[str, str]]:
    """The demo's accounts that are in the database: none in a clinic that has people of its own."""
    here = set(db.exec(select(StaffUser.email).where(col(StaffUser.email).in_([email for email, *_ in ACCOUNTS]))))
    return [{"email": email, "role": role, "password": PASSWORD} for email, _, role, _ in ACCOUNTS if email in here]


if __name__ == "__main__":
    main()
