"""Whether a request comes from our own pages."""

import pytest

from medcal.edge.origin import allowed_origins, is_ours

CLINIC = ["https://clinic.example"]


@pytest.mark.parametrize(
    ("url", "origins"),
    [
        ("https://clinic.example", CLINIC),
        ("https://Clinic.example:443", CLINIC),
        ("http://clinic.example:8000", ["http://clinic.example:8000"]),
        ("http://localhost:8000", ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"]),
    ],
)
def test_browsers_name_an_origin_without_the_usual_port(url, origins):
    assert allowed_origins(url) == origins


@pytest.mark.parametrize(
    ("origin", "fetch_site", "served"),
    [
        ("https://clinic.example", "same-origin", True),
        ("https://clinic.example", None, True),
        ("https://CLINIC.example", None, True),
        (None, "same-origin", True),
        (None, "none", True),
        (None, None, True),
        ("https://evil.example", None, False),
        ("https://clinic.example.evil.example", None, False),
        ("https://clinic.example:8443", None, False),
        ("http://clinic.example", None, False),
        ("null", None, False),
        ("", None, False),
        ("https://clinic.example", "cross-site", False),
        (None, "cross-site", False),
        (None, "same-site", False),
    ],
)
def test_foreign_pages_change_nothing(origin, fetch_site, served):
    assert is_ours(origin, fetch_site, CLINIC) is served
