"""`python -m medcal.audit verify` says whether the history is whole; `export` prints it as CSV."""

import argparse
import csv
import sys
from datetime import datetime, timedelta

from sqlmodel import Session

from medcal import clock
from medcal.db import fetch, in_transaction
from medcal.security import SYSTEM
from medcal.services import audit_check, audit_trail
from medcal.services.audit_chain import SOURCES, End
from medcal.services.audit_trail import Asked
from medcal.viewmodels.audit import CSV_COLUMNS, csv_row


def main(arguments: list[str]) -> int:
    """Do what the arguments say; 1 where the history is not whole."""
    chosen = _parser().parse_args(arguments)
    return int(in_transaction(chosen.work, chosen, clock.now()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="manage.py audit", description="Who changed and who looked at what.")
    verbs = parser.add_subparsers(required=True, metavar="verify | export")
    verify = verbs.add_parser("verify", help="whether anything was changed, removed, or never sealed")
    verify.add_argument(
        "--noted",
        action="append",
        default=[],
        type=_noted,
        metavar="event:1234:DIGEST",
        help="what an earlier `verify` printed and was kept elsewhere: must still be there",
    )
    verify.set_defaults(work=_verify)
    export = verbs.add_parser("export", help="everything as CSV, the newest first")
    export.add_argument("--days", type=int, metavar="N", help="only the last N days")
    export.set_defaults(work=_export)
    return parser


def _noted(text: str) -> tuple[str, End]:
    source, _, rest = text.partition(":")
    number, _, digest = rest.partition(":")
    if source not in SOURCES or not number.isdecimal() or len(digest) != 64:
        raise argparse.ArgumentTypeError("it is written like event:1234:DIGEST")
    return source, End(int(number), digest)


# --- Verifying --------------------------------------------------------------------------------------------------------


def _verify(db: Session, chosen: argparse.Namespace, now: datetime) -> int:
    # One picture of all: what is written meanwhile is the next one's.
    fetch(db, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    verdicts = audit_check.verify(db, now, dict(chosen.noted))
    for verdict in verdicts:
        _tell(verdict)
    weak = audit_check.weak_guards(db)
    for guard in weak:
        print(f"The trigger {guard} is missing or switched off.", file=sys.stderr)
    if role := audit_check.could_switch_off(db):
        print(
            f"The clinic works as {role}, which could switch these guards off: docs/audit.md says how it gets a role of its own."
        )
    return 0 if not weak and all(verdict.is_whole for verdict in verdicts) else 1


def _tell(verdict: audit_check.Verdict) -> None:
    since = f", what is older than {verdict.removed_until:%Y-%m-%d} has lapsed" if verdict.removed_until else ""
    state = "whole" if verdict.is_whole else "NOT WHOLE"
    print(f"{verdict.source}: {state}, {verdict.checked} rows checked{since}")
    print(f"  to be noted elsewhere: {verdict.source}:{verdict.end.number}:{verdict.end.digest}")
    for fault in verdict.faults:
        print(f"  {fault}", file=sys.stderr)


# --- Exporting --------------------------------------------------------------------------------------------------------


def _export(db: Session, chosen: argparse.Namespace, now: datetime) -> int:
    first_day = (now - timedelta(days=chosen.days)).date() if chosen.days else None
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows(csv_row(entry) for entry in audit_trail.export(db, SYSTEM, Asked(first_day=first_day), most=None))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
