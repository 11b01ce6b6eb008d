"""Secrets, hashes and who may see whose calendar."""

import re

import pytest
from argon2 import Type, extract_parameters

from medcal import security
from medcal.security import PATIENT, SYSTEM, Actor, ActorKind, Role

KEY = b"k" * 32


def test_a_password_fits_its_own_hash_alone() -> None:
    stored = security.hash_password("correct horse")

    assert security.password_fits("correct horse", stored)
    assert not security.password_fits("Correct horse", stored)
    assert not security.password_fits("", stored)


def test_who_steals_hashes_pays_as_much_for_each_guess_as_owasp_asks(dear_hashes: None) -> None:
    cost = extract_parameters(security.hash_password("correct horse"))

    assert cost.type is Type.ID
    assert cost.memory_cost >= 19 * 1024
    assert cost.time_cost >= 2


def test_two_hashes_of_one_password_differ_and_neither_shows_it() -> None:
    first, second = security.hash_password("correct horse"), security.hash_password("correct horse")

    assert first != second
    assert first.startswith("$argon2id$")
    assert "correct" not in first


def test_nobodys_password_never_fits() -> None:
    assert not security.password_fits("anything", None)
    assert not security.password_fits("", None)


def test_a_password_of_megabytes_is_not_hashed() -> None:
    endless = "x" * 5_000_000

    assert not security.password_fits(endless, security.hash_password(endless[: security.LONGEST_PASSWORD]))


def test_secrets_are_long_and_never_the_same() -> None:
    made = {security.new_secret() for _ in range(100)}

    assert len(made) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in made)


def test_a_link_is_the_same_each_time_it_is_sent() -> None:
    assert security.link_token(KEY, "m1", "cancel") == security.link_token(KEY, "m1", "cancel")


@pytest.mark.parametrize(
    ("key", "message", "purpose"), [(b"x" * 32, "m1", "cancel"), (KEY, "m2", "cancel"), (KEY, "m1", "offer")]
)
def test_a_link_is_bound_to_server_message_and_purpose(key: bytes, message: str, purpose: str) -> None:
    assert security.link_token(key, message, purpose) != security.link_token(KEY, "m1", "cancel")


def test_a_link_fits_into_an_address() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", security.link_token(KEY, "m1", "cancel"))


def test_the_database_keeps_digests_that_tell_nothing() -> None:
    secret = security.new_secret()

    assert security.digest(secret) == security.digest(secret)
    assert secret not in security.digest(secret)
    assert len(security.digest(secret)) == 64


def test_a_one_time_code_has_six_digits() -> None:
    assert all(re.fullmatch(r"\d{6}", security.new_code()) for _ in range(200))


def test_a_code_belongs_to_one_address_and_one_server() -> None:
    mine = security.code_digest(KEY, "alice@example.com", "123456")

    assert mine != security.code_digest(KEY, "bob@example.com", "123456")
    assert mine != security.code_digest(KEY, "alice@example.com", "123457")
    assert mine != security.code_digest(b"x" * 32, "alice@example.com", "123456")
    assert security.contact_digest(KEY, "alice@example.com") not in (
        mine,
        security.contact_digest(b"x" * 32, "alice@example.com"),
    )


def test_a_booking_code_can_be_read_out_on_the_phone() -> None:
    codes = [security.new_booking_code() for _ in range(500)]

    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", code) for code in codes)
    assert len(set(codes)) == 500


@pytest.mark.parametrize(
    ("actor", "sees_own", "sees_other"),
    [
        (Actor(ActorKind.staff, 1, Role.admin), True, True),
        (Actor(ActorKind.staff, 2, Role.reception), True, True),
        (Actor(ActorKind.staff, 3, Role.doctor, doctor_id=7), True, False),
        (Actor(ActorKind.staff, 4, Role.doctor, doctor_id=None), False, False),
        (Actor(ActorKind.patient, 5), False, False),
        (PATIENT, False, False),
        (SYSTEM, False, False),
    ],
)
def test_doctors_see_their_own_calendar_and_the_desk_everybodys(actor: Actor, sees_own: bool, sees_other: bool) -> None:
    assert actor.sees_doctor(7) is sees_own
    assert actor.sees_doctor(8) is sees_other


def test_an_actor_cannot_change_who_it_is() -> None:
    with pytest.raises(AttributeError):
        PATIENT.kind = ActorKind.staff  # type: ignore[misc]


def test_what_is_sealed_is_read_with_its_key_in_its_place_alone() -> None:
    sealed = security.seal(KEY, "the key for the app", "totp of Sam")

    assert security.unseal(KEY, sealed, "totp of Sam") == "the key for the app"
    assert security.unseal(KEY, sealed, "totp of Olga") is None
    assert security.unseal(b"x" * 32, sealed, "totp of Sam") is None
    assert "key" not in sealed


def test_a_seal_that_was_touched_does_not_open() -> None:
    sealed = security.seal(KEY, "the key for the app", "totp of Sam")
    touched = sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:]

    for wrong in (touched, sealed[:-8], "", "x", "no base64 at all!", "\ud800"):
        assert security.unseal(KEY, wrong, "totp of Sam") is None


def test_the_same_text_is_sealed_differently_each_time() -> None:
    assert len({security.seal(KEY, "text", "place") for _ in range(20)}) == 20


def test_a_password_is_the_same_however_a_keyboard_puts_its_umlauts_together() -> None:
    composed, taken_apart = "dunkelgr\u00fcner Schirm", "dunkelgru\u0308ner Schirm"

    assert security.password_fits(taken_apart, security.hash_password(composed))


def test_a_recovery_code_can_be_copied_from_paper() -> None:
    codes = [security.new_recovery_code() for _ in range(500)]

    assert all(re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}", code) for code in codes)
    assert len(set(codes)) == 500
