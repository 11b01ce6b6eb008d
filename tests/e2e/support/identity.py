"""The clinic's provider of identity: a real one, with people of our choice."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.e2e.support.processes import PROJECT
from tests.support.provider import CLIENT_ID, CLIENT_SECRET, ROLES_CLAIM
from tests.support.waiting import eventually
from tools.processes import Command

SECRET = "placeholder-of-tests"


@dataclass(frozen=True)
class Identity:
    """The provider at `issuer`, of a clinic at `clinic`."""

    issuer: str
    clinic: str

    @property
    def settings(self) -> dict[str, str]:
        """What the clinic must know of it."""
        return {
            "OIDC_ISSUER": self.issuer,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "OIDC_NAME": "Clinic ID",
            "OIDC_ROLES_CLAIM": ROLES_CLAIM,
            "OIDC_ROLES": "front-desk=reception,chief=admin",
        }

    def knows(self, **people: dict[str, Any]) -> None:
        """From now on these are the people there, by user name; `roles` in the provider's own words."""
        told = {f"auth0|{user}": self._claims(user, **claims) for user, claims in people.items()}
        self._post("people", told)

    def _claims(self, user: str, roles: tuple[str, ...] = (), **claims: Any) -> dict[str, Any]:
        usual = {"email": f"{user}@clinic.example", "email_verified": True, "name": f"{user.title()} There"}
        return usual | claims | {"password": SECRET, ROLES_CLAIM: roles}

    def _post(self, path: str, content: object) -> None:
        request = urllib.request.Request(self.issuer + path, json.dumps(content).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=5):
            pass

    def answers(self) -> bool:
        try:
            self._post("people", {})
        except OSError:
            return False
        return True


@contextmanager
def provider_of_identity(command: Command, port: int, clinic: str, log: Path) -> Iterator[Identity]:
    """Runs until the end of the block."""
    told = {
        "OP_PORT": str(port),
        "OP_CLINIC": clinic,
        "OP_CLIENT_ID": CLIENT_ID,
        "OP_CLIENT_SECRET": CLIENT_SECRET,
        "OP_ROLES_CLAIM": ROLES_CLAIM,
    }
    with log.open("wb") as file:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=PROJECT, env=os.environ | told, stdout=file, stderr=subprocess.STDOUT
        )
    identity = Identity(f"http://127.0.0.1:{port}/", clinic)
    try:
        eventually(identity.answers, f"the provider answers; its log is {log}")
        yield identity
    finally:
        process.terminate()
        process.wait()


def sign_in_there(page: Page, user: str) -> None:
    """On the provider's own page."""
    page.get_by_label("User").fill(f"auth0|{user}")
    page.get_by_label("Secret").fill(SECRET)
    page.get_by_role("button", name="Continue").click()
