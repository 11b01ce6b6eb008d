"""A certificate for this machine by an authority that nobody else knows, made anew for every run."""

import ssl
from functools import cache

import trustme


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def _of_this_machine() -> trustme.LeafCert:
    return _authority().issue_cert("localhost", "127.0.0.1")


def certified() -> ssl.SSLContext:
    """What a server here shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _of_this_machine().configure_cert(context)
    return context


def trust_it(context: ssl.SSLContext) -> None:
    """Let a client believe what a server here shows."""
    _authority().configure_trust(context)
