"""The certificate that a machine makes for itself."""

import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from medcal.certificate import ensure

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


def names_of(path: Path) -> set[str]:
    listed = x509.load_pem_x509_certificate(path.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    return {str(name.value) for name in listed.value}


def test_it_is_for_this_machine_and_the_names_given(tmp_path: Path) -> None:
    certificate, key = ensure(tmp_path / "tls", ("clinic.lan", "192.168.1.20", "localhost"), now=NOW)

    assert names_of(certificate) == {"localhost", "127.0.0.1", "::1", "clinic.lan", "192.168.1.20"}
    made = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert made.not_valid_before_utc < NOW < made.not_valid_after_utc < NOW + timedelta(days=398)
    assert ip_address("192.168.1.20") in made.extensions[0].value.get_values_for_type(x509.IPAddress)
    secret = load_pem_private_key(key.read_bytes(), None)
    assert secret.public_key() == made.public_key()


def test_the_key_is_for_its_owner_alone_and_of_the_kind_that_the_server_reads(tmp_path: Path) -> None:
    _, key = ensure(tmp_path, now=NOW)

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text().startswith("-----BEGIN PRIVATE KEY-----")


def test_it_stays_until_it_is_soon_over_or_wanted_for_another_name(tmp_path: Path) -> None:
    certificate, key = ensure(tmp_path, ("clinic.lan",), now=NOW)
    first = certificate.read_bytes(), key.read_bytes()

    ensure(tmp_path, ("clinic.lan",), now=NOW + timedelta(days=360))
    ensure(tmp_path, now=NOW)
    assert (certificate.read_bytes(), key.read_bytes()) == first

    ensure(tmp_path, ("other.lan",), now=NOW)
    second = certificate.read_bytes()
    assert second != first[0]

    ensure(tmp_path, ("other.lan",), now=NOW + timedelta(days=380))
    assert certificate.read_bytes() != second


def test_a_key_that_is_lost_takes_its_certificate_with_it(tmp_path: Path) -> None:
    certificate, key = ensure(tmp_path, now=NOW)
    before = certificate.read_bytes()
    key.unlink()

    ensure(tmp_path, now=NOW)

    assert key.exists()
    assert certificate.read_bytes() != before


def test_a_certificate_and_a_key_of_two_makings_are_made_anew(tmp_path: Path) -> None:
    certificate, key = ensure(tmp_path / "one", now=NOW)
    _, other = ensure(tmp_path / "other", now=NOW)
    key.write_bytes(other.read_bytes())

    ensure(tmp_path / "one", now=NOW)

    made = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert load_pem_private_key(key.read_bytes(), None).public_key() == made.public_key()
