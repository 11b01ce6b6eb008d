"""`python -m medcal.keys rotate` seals all notes and reasons with the key that MEDCAL_DATA_KEY names now."""

import argparse
import sys

from medcal.services import keys


def main(arguments: list[str]) -> int:
    """Do it and say what was done; 1 when something could not be opened, and so was left as it is."""
    parser = argparse.ArgumentParser(prog="manage.py keys", description="Keys to what lies sealed in the database.")
    verbs = parser.add_subparsers(required=True, metavar="rotate")
    verbs.add_parser("rotate", help="seal everything with the new key; safe to stop and to repeat")
    parser.parse_args(arguments)
    found = keys.reseal_everything()
    print(f"{found.done} sealed with the new key.")
    if found.unreadable:
        print(
            f"{found.unreadable} could not be opened and stay as they are: MEDCAL_DATA_KEYS_BEFORE lacks their key.",
            file=sys.stderr,
        )
    return 1 if found.unreadable else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
