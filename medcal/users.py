"""`python -m medcal.users` adds and changes staff accounts from the server's own prompt: the first admin, a forgotten password."""

import argparse
import getpass
import secrets
import sys

from sqlmodel import Session, select

from medcal import clock, routes
from medcal.config import settings
from medcal.db import in_transaction
from medcal.errors import MedcalError
from medcal.models import Doctor, StaffUser
from medcal.security import SYSTEM, Role
from medcal.services import accounts, events, people, staff_identities


def main(arguments: list[str]) -> int:
    """Do what the arguments say; 1, with a sentence, for what cannot be."""
    chosen = _parser().parse_args(arguments)
    # Before the transaction, which shall not wait for somebody who types.
    chosen.password, made = _password() if chosen.work in (_add, _new_password) else ("", "")
    try:
        print(in_transaction(chosen.work, chosen) + made)
    except MedcalError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="manage.py user", description="Staff accounts.")
    verbs = parser.add_subparsers(
        required=True, metavar="add | list | password | link | forget-second-step | unlink | disable | enable"
    )
    add = verbs.add_parser("add", help="a new account: manage.py user add sam@clinic.example 'Sam Stern' --role admin")
    add.add_argument("email")
    add.add_argument("name")
    add.add_argument("--role", choices=[str(role) for role in Role], default=str(Role.reception))
    add.add_argument(
        "--doctor", metavar="ADDRESS", help="for a doctor's account: the end of her page's address, ada-okafor"
    )
    add.add_argument("--language", choices=["en", "de"], default="en")
    add.set_defaults(work=_add)
    verbs.add_parser("list", help="who may sign in").set_defaults(work=_list)
    for verb, work, what in (
        ("password", _new_password, "a new password; signs out everywhere"),
        ("link", _link, "a one-time link under which somebody gives herself a password"),
        ("forget-second-step", _forget_second_step, "for a lost phone: the password alone lets in again"),
        ("unlink", _unlink, "for a new account at the provider of identity: the address decides once more"),
        ("disable", _disable, "no sign-in any more; signs out at once"),
        ("enable", _enable, "may sign in again"),
    ):
        changed = verbs.add_parser(verb, help=what)
        changed.add_argument("email")
        changed.set_defaults(work=work)
    return parser


def _add(db: Session, chosen: argparse.Namespace) -> str:
    user = accounts.create_user(
        db,
        email=chosen.email,
        name=chosen.name,
        password=chosen.password,
        role=Role(chosen.role),
        doctor_id=_doctor_id(db, chosen.doctor),
        language=chosen.language,
    )
    events.record(db, "account.invited", by=SYSTEM, now=clock.now(), account=user.ref, role=user.role)
    return f"{user.name} may sign in as {user.email} ({user.role})."


def _doctor_id(db: Session, slug: str | None) -> int | None:
    if slug is None:
        return None
    doctor_id = db.exec(select(Doctor.id).where(Doctor.slug == slug)).one_or_none()
    if doctor_id is None:
        raise MedcalError(f"There is no doctor at {slug}.")
    return doctor_id


def _list(db: Session, _: argparse.Namespace) -> str:
    users = db.exec(select(StaffUser).order_by(StaffUser.email)).all()
    lines = (f"{user.email:32} {user.role:10} {user.name}{'' if user.is_active else '  (disabled)'}" for user in users)
    return "\n".join(lines) or "Nobody yet: manage.py user add"


def _new_password(db: Session, chosen: argparse.Namespace) -> str:
    user = accounts.find_user(db, chosen.email)
    accounts.set_password(db, user, chosen.password)
    events.record(db, "account.password_set", by=SYSTEM, now=clock.now(), account=user.ref, purpose="prompt")
    return f"{chosen.email} has a new password and is signed out everywhere."


def _link(db: Session, chosen: argparse.Namespace) -> str:
    link = people.make_link(db, accounts.find_user(db, chosen.email).ref, by=SYSTEM, now=clock.now())
    return f"Works once, until {link.expires_at:%Y-%m-%d %H:%M} UTC: {settings().url}{routes.staff_link(link.token)}"


def _forget_second_step(db: Session, chosen: argparse.Namespace) -> str:
    people.remove_second_step(db, accounts.find_user(db, chosen.email).ref, by=SYSTEM, now=clock.now())
    return f"{chosen.email} signs in with the password alone, until a second step is set up again."


def _unlink(db: Session, chosen: argparse.Namespace) -> str:
    staff_identities.unlink(db, accounts.find_user(db, chosen.email), by=SYSTEM, now=clock.now())
    return f"Whoever signs in next at the provider with {chosen.email}, verified there, is this account."


def _disable(db: Session, chosen: argparse.Namespace) -> str:
    people.disable(db, accounts.find_user(db, chosen.email).ref, by=SYSTEM, now=clock.now())
    return f"{chosen.email} cannot sign in any more."


def _enable(db: Session, chosen: argparse.Namespace) -> str:
    people.enable(db, accounts.find_user(db, chosen.email).ref, by=SYSTEM, now=clock.now())
    return f"{chosen.email} may sign in again."


def _password() -> tuple[str, str]:
    """A typed password, or the first line of what is piped in; an empty one stands for one that is made here and said once."""
    typed = (
        getpass.getpass("Password (empty: one is made): ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    )
    if typed:
        return typed, ""
    made = secrets.token_urlsafe(12)
    return made, f" The password is {made}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
