"""A certificate that this machine makes for itself: enough for development and a clinic's own network, trusted by nobody until told to."""

import ipaddress
import os
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from medcal import clock

ALWAYS = ("localhost", "127.0.0.1", "::1")
# Browsers refuse what is valid for more than 398 days.
LIFETIME = timedelta(days=397)
RENEWED_BEFORE = timedelta(days=30)


def ensure(folder: Path, names: tuple[str, ...] = (), *, now: datetime) -> tuple[Path, Path]:
    """The files of a certificate and its key (PEM, PKCS #8) for this machine and `names`, made anew when one is missing or soon over."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    if not (certificate.exists() and key.exists() and _is_good(certificate, key, names, now)):
        _make(certificate, key, names, now)
    return certificate, key


def _is_good(certificate: Path, key: Path, names: tuple[str, ...], now: datetime) -> bool:
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    secret = serialization.load_pem_private_key(key.read_bytes(), None)
    wanted = {_as_name(name) for name in (*ALWAYS, *names)}
    known = set(found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    # Whoever was killed between the two files left a key that the certificate is not for.
    fits = found.public_key() == secret.public_key()
    return fits and found.not_valid_after_utc - RENEWED_BEFORE > now and wanted <= known


def _make(certificate: Path, key: Path, names: tuple[str, ...], now: datetime) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Medcal on {socket.gethostname()[:40]}")])
    listed = dict.fromkeys(_as_name(name) for name in (*ALWAYS, *names))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(listed), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(secret, hashes.SHA256())
    )
    certificate.parent.mkdir(parents=True, exist_ok=True)
    _write(
        key,
        secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    _write(certificate, made.public_bytes(serialization.Encoding.PEM))


def _write(path: Path, content: bytes) -> None:
    """For this user's eyes from the first byte on, and never by half."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
    part.replace(path)


def _as_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def main(folder: str, *names: str) -> None:
    """`python -m medcal.certificate FOLDER NAME…` prints the two paths."""
    for path in ensure(Path(folder), names, now=clock.now().astimezone(UTC)):
        print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
