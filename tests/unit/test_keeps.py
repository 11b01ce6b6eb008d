"""For how long data are kept, as the environment says it, and as it stands in the documents."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from medcal.config import BadSetting, Keeps, settings
from medcal.i18n import language
from medcal.viewmodels.privacy import Times

DOCS = Path(__file__).parents[2] / "docs"


def test_without_a_setting_it_is_what_a_clinic_in_europe_needs() -> None:
    assert settings().keeps == Keeps(
        patients_months=36, notes_months=12, messages_days=180, wishes_days=180, holds_days=30
    )


def test_each_has_its_setting_and_nothing_is_for_ever(configured: Callable[..., None]) -> None:
    configured(
        KEEP_PATIENTS_MONTHS="120",
        KEEP_NOTES_MONTHS="0",
        KEEP_MESSAGES_DAYS="90",
        KEEP_WISHES_DAYS="7",
        KEEP_HOLDS_DAYS="1",
    )

    assert settings().keeps == Keeps(120, 0, 90, 7, 1)


@pytest.mark.parametrize("nonsense", ["-1", "3 years", "1.5", "36501", "٣"])
def test_nonsense_is_refused(configured: Callable[..., None], nonsense: str) -> None:
    configured(KEEP_MESSAGES_DAYS=nonsense)

    with pytest.raises(BadSetting, match="KEEP_MESSAGES_DAYS must be a whole number from 0 to 36500"):
        settings()


def test_months_are_years_where_they_are_whole(configured: Callable[..., None]) -> None:
    configured(KEEP_PATIENTS_MONTHS="12", KEEP_NOTES_MONTHS="18")

    with language("en"):
        assert (Times.of(settings()).patients, Times.of(settings()).notes) == ("1 year", "18 months")


@pytest.mark.parametrize("each", [each.name for each in fields(Keeps)])
def test_the_document_names_each_with_what_is_so_without_it(each: str) -> None:
    [line] = [
        line for line in (DOCS / "privacy.md").read_text().splitlines() if line.startswith(f"| `KEEP_{each.upper()}` |")
    ]

    assert line.rstrip(" |").endswith(f"| {getattr(Keeps(), each)}")
    assert "KEEP_" in (DOCS / "deploy.md").read_text()
