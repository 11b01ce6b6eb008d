"""`python -m medcal.demo` loads the demo clinic; with --accounts it prints who may sign in."""

import json
import sys

from medcal import clock
from medcal.db import in_transaction
from medcal.demo import story
from medcal.demo.clinic import ACCOUNTS, PASSWORD


def main() -> None:
    if "--accounts" in sys.argv:
        print(json.dumps([{"email": email, "role": role, "password": PASSWORD} for email, _, role, _ in ACCOUNTS]))
        return
    loaded = in_transaction(story.load, clock.now())
    print("The demo clinic is loaded." if loaded else "There is a clinic already; nothing was changed.")


if __name__ == "__main__":
    main()
