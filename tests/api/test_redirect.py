"""Plain http beside https: it leads there, wherever the client says that it wants to go."""

import pytest

from medcal.edge.redirect import app
from tests.support.asgi import Browser


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Browser:
    monkeypatch.setenv("MEDCAL_URL", "https://clinic.example:8443")
    return Browser(app, "http://evil.example")


@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("/", "https://clinic.example:8443/"),
        ("/l/abc", "https://clinic.example:8443/l/abc"),
        ("/find?words=heart&x=%20", "https://clinic.example:8443/find?words=heart&x=%20"),
        ("//evil.example/", "https://clinic.example:8443/evil.example/"),
        ("/%0d%0aset-cookie:x", "https://clinic.example:8443/%0d%0aset-cookie:x"),
    ],
)
def test_a_reader_is_led_to_the_same_page_of_the_clinic(http: Browser, asked: str, led_to: str) -> None:
    answer = http.get(f"http://evil.example{asked}")

    assert (answer.status_code, answer.headers["location"]) == (308, led_to)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/api/health", "/api/appointment.ics", "/feed/token.ics", "/_event/?token=x"])
def test_a_program_is_not_led_on_or_nobody_would_mend_it(http: Browser, path: str) -> None:
    answer = http.get(path)

    assert answer.status_code == 403
    assert "location" not in answer.headers


def test_what_is_sent_in_the_clear_is_refused(http: Browser) -> None:
    answer = http.post("/api/sign-in", data={"password": "in the clear"})

    assert answer.status_code == 403
    assert "https://clinic.example:8443" in answer.text
    assert "location" not in answer.headers
