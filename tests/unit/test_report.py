"""How much of a machine was there while it was measured."""

import pytest

from bench.report import stolen

#        user nice system idle wait irq softirq steal
BEFORE = [100, 0, 50, 1000, 10, 0, 5, 40]


@pytest.mark.parametrize(
    ("after", "share"),
    [
        ([150, 0, 70, 1000, 10, 0, 5, 70], 0.3),
        # Who waits asks nothing of the processors.
        ([150, 0, 70, 9000, 99, 0, 5, 70], 0.3),
        ([150, 0, 50, 1000, 10, 0, 5, 40], 0),
        (BEFORE, None),
        # Not Linux.
        ([], None),
    ],
)
def test_what_others_had_is_told_of_the_time_that_was_asked_for(after: list[int], share: float | None) -> None:
    assert stolen(BEFORE, after) == share
