"""Known holes in what Medcal depends on: one question to OSV (osv.dev) about every pinned package, of Python and of the pages.

Where it cannot be reached, that is a sentence and no failure: tests run on trains, too. A hole that is lived with stands in pyproject.toml,
below [tool.medcal.known-holes], with a reason and the day from which it is asked about again.
"""

import json
import os
import re
import tomllib
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tools.places import ROOT

# A mirror of it where the clinic's network has one.
SERVICE = os.environ.get("OSV_URL") or "https://api.osv.dev"
SECONDS = 20
# What is built and served, and what the tests start.
LOCKS = ("reflex.lock/bun.lock", "tests/oidc/bun.lock")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;#]+)", re.MULTILINE)
_LOCKED = re.compile(r'^    "[^"]+": \["(@?[^"@]+)@([^"@]+)",', re.MULTILINE)


class Unreachable(Exception):
    """The service does not answer, or not as we know it."""


@dataclass(frozen=True, order=True)
class Package:
    ecosystem: str
    name: str
    version: str


@dataclass(frozen=True)
class Hole:
    """What is known about a package; `names` are all that it is known by, GHSA, CVE and the like."""

    package: Package
    names: tuple[str, ...]
    summary: str
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        mended = f"; mended in {', '.join(self.fixed_in)}" if self.fixed_in else "; nothing mends it yet"
        return f"{self.package.name} {self.package.version}: {', '.join(self.names)}: {self.summary}{mended}"


@dataclass(frozen=True)
class Leave:
    """A hole that is lived with, and why; from `until` on it is none that is."""

    until: date
    reason: str


def holes(service: str = SERVICE, root: Path = ROOT, today: date | None = None) -> list[Hole]:
    """The known holes that nobody has given leave. Raises Unreachable."""
    today, given = today or datetime.now(UTC).date(), leaves(root)
    found = [_look_up(service, package, name) for package, name in _ask(service, packages(root))]
    return [hole for hole in found if not any(name in given and today < given[name].until for name in hole.names)]


def packages(root: Path = ROOT) -> list[Package]:
    """Every pinned package, those of other systems and versions of Python too."""
    python = _PINNED.findall((root / "requirements.txt").read_text())
    locked = [pair for lock in LOCKS if (root / lock).exists() for pair in _LOCKED.findall((root / lock).read_text())]
    return sorted({Package("PyPI", *pair) for pair in python} | {Package("npm", *pair) for pair in locked})


def leaves(root: Path = ROOT) -> dict[str, Leave]:
    """What stands in pyproject.toml, by name of the hole; each with a reason and a day, or a TypeError, KeyError or ValueError."""
    tool = tomllib.loads((root / "pyproject.toml").read_text())["tool"]
    given = tool.get("medcal", {}).get("known-holes", {})
    for name, leave in given.items():
        if type(leave["until"]) is not date or not leave["reason"]:
            raise ValueError(f"{name}: a hole is lived with for a reason, and until a day")
    return {name: Leave(leave["until"], leave["reason"]) for name, leave in given.items()}


def _ask(service: str, about: Sequence[Package]) -> Iterator[tuple[Package, str]]:
    """Which holes each of them has, by the names of OSV."""
    queries = [{"package": {"name": it.name, "ecosystem": it.ecosystem}, "version": it.version} for it in about]
    try:
        results = _call(f"{service}/v1/querybatch", {"queries": queries})["results"]
        for package, result in zip(about, results, strict=True):
            for known in result.get("vulns", ()):
                yield package, str(known["id"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unreachable(f"an answer that we do not know ({type(error).__name__})") from None


def _look_up(service: str, package: Package, name: str) -> Hole:
    """What is written about a hole; that there is one is known, so it stays one even where nothing can be read."""
    try:
        entry = _call(f"{service}/v1/vulns/{quote(name, safe='')}")
        summary = str(entry.get("summary") or "no summary")
        return Hole(package, (name, *map(str, entry.get("aliases", ()))), summary, tuple(_fixed(entry, package)))
    except (Unreachable, TypeError, AttributeError, KeyError):
        return Hole(package, (name,), "more could not be read", ())


def _fixed(entry: dict[str, Any], package: Package) -> Iterator[str]:
    for affected in entry.get("affected", ()):
        if affected["package"]["name"].lower() == package.name.lower():
            for span in affected.get("ranges", ()):
                yield from (event["fixed"] for event in span.get("events", ()) if "fixed" in event)


def _call(url: str, body: object = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return json.load(answer)
    except (OSError, HTTPException, ValueError) as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from None
