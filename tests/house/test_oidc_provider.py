"""The provider of identity that the browser tests fetch."""

from pathlib import Path

import pytest

from tools import oidc_provider
from tools.processes import Family
from tools.say import Stop


def test_without_bun_there_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REFLEX_BUN_PATH", str(tmp_path / "bun"))

    with pytest.raises(Stop, match="bun"):
        oidc_provider.install(Family())


def test_its_packages_are_pinned_and_come_from_whichever_registry_is_set() -> None:
    locked = (oidc_provider.SOURCES / "bun.lock").read_text()

    assert "sha512-" in locked
    assert "://" not in locked
