"""Accounts from the server's prompt: the first admin of a clinic that began empty."""

import io

import pytest

from medcal import clock, users
from medcal.db import fetch, transaction
from medcal.models import StaffIdentity
from medcal.services import accounts, second_step, staff_links
from tests.support.factories import NOW, make_clinic


@pytest.fixture
def user(committed, monkeypatch, capsys):
    """user("add", …, typed="password"): the exit code and what was said."""

    def run(*arguments, typed=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code = users.main(list(arguments))
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def sign_in(email, password):
    with transaction() as db:
        return accounts.sign_in(db, email, password, now=NOW)[0]


def test_the_first_admin_of_an_empty_clinic(user):
    code, said = user("add", "sam@clinic.example", "Sam Stern", "--role", "admin", typed="a good long one\n")

    assert (code, said) == (0, "Sam Stern may sign in as sam@clinic.example (admin).\n")
    assert sign_in("sam@clinic.example", "a good long one").role == "admin"


def test_a_password_that_is_made_is_said_once_and_opens(user):
    _, said = user("add", "sam@clinic.example", "Sam Stern")

    assert sign_in("sam@clinic.example", said.split()[-1]).name == "Sam Stern"


def test_a_doctor_gets_her_own_calendar(user):
    with transaction() as db:
        doctor = make_clinic(db).okafor

    code, _ = user("add", "ada@clinic.example", "Ada Okafor", "--role", "doctor", "--doctor", doctor.slug)

    assert code == 0
    assert "doctor" in user("list")[1]


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (("add", "not-an-address", "Sam Stern"), "", "Please check the e-mail address"),
        (("add", "sam@clinic.example", "Sam Stern"), "short\n", "A password has 12 to"),
        (("add", "ada@clinic.example", "Ada Okafor", "--role", "doctor"), "", "A doctor's account needs its doctor"),
        (
            ("add", "ada@clinic.example", "Ada Okafor", "--role", "doctor", "--doctor", "nobody"),
            "",
            "There is no doctor",
        ),
        (("password", "nobody@clinic.example"), "", "There is no account"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(user, arguments, typed, sentence):
    code, said = user(*arguments, typed=typed)

    assert code == 1
    assert sentence in said
    assert user("list") == (0, "Nobody yet: manage.py user add\n")


def test_the_last_admin_cannot_be_disabled(user):
    user("add", "sam@clinic.example", "Sam Stern", "--role", "admin")

    code, said = user("disable", "sam@clinic.example")

    assert code == 1
    assert "last admin" in said
    assert "disabled" not in user("list")[1]


def test_disabled_and_enabled_again(user):
    user("add", "sam@clinic.example", "Sam Stern", typed="a good long one\n")

    user("disable", "sam@clinic.example")
    assert "(disabled)" in user("list")[1]
    user("enable", "sam@clinic.example")
    assert sign_in("sam@clinic.example", "a good long one")


def test_a_forgotten_password(user):
    user("add", "sam@clinic.example", "Sam Stern")

    user("password", "sam@clinic.example", typed="another good one\n")

    assert sign_in("sam@clinic.example", "another good one")


def test_a_link_for_whoever_has_forgotten_her_password(user):
    user("add", "sam@clinic.example", "Sam Stern")

    code, said = user("link", "sam@clinic.example")

    assert code == 0
    assert said.startswith("Works once, until ")
    with transaction() as db:
        staff_links.use_link(db, said.strip().rpartition("/")[2], "found it at last", now=clock.now())
    assert sign_in("sam@clinic.example", "found it at last")


def test_a_lost_phone(user):
    user("add", "sam@clinic.example", "Sam Stern", typed="a good long one\n")
    with transaction() as db:
        second_step.begin(db, accounts.find_user(db, "sam@clinic.example"))
        accounts.find_user(db, "sam@clinic.example").totp_on_at = NOW

    user("forget-second-step", "sam@clinic.example")

    with transaction() as db:
        assert not second_step.is_on(accounts.find_user(db, "sam@clinic.example"))


def test_a_new_account_at_the_provider(user):
    user("add", "sam@clinic.example", "Sam Stern", typed="a good long one\n")
    with transaction() as db:
        sam = accounts.find_user(db, "sam@clinic.example")
        db.add(
            StaffIdentity(
                staff_user_id=sam.id, issuer="https://id.example/", subject="old", linked_at=NOW, signed_in_at=NOW
            )
        )

    code, said = user("unlink", "sam@clinic.example")

    assert (code, "sam@clinic.example" in said) == (0, True)
    with transaction() as db:
        assert fetch(db, "SELECT id FROM staff_identity") == []


def test_what_is_done_at_the_prompt_is_in_the_history(user):
    user("add", "sam@clinic.example", "Sam Stern", typed="a good long one\n")
    user("password", "sam@clinic.example", typed="another good one\n")
    user("disable", "sam@clinic.example")
    user("enable", "sam@clinic.example")

    with transaction() as db:
        happened = [(row.kind, row.actor) for row in fetch(db, "SELECT kind, actor FROM event ORDER BY id")]
    kinds = ["account.invited", "account.password_set", "account.disabled", "account.enabled"]
    assert happened == [(kind, "system") for kind in kinds]
