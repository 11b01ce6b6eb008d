"""The rank test by which measurements say whether time tells two kinds apart."""

import random

import pytest

from bench.ranks import apart


def test_the_same_times_are_not_apart():
    times = [float(number) for number in range(50)]

    assert apart(times, times).longer == 0.5
    assert apart(times, times).p == pytest.approx(1)


def test_times_that_never_meet_are_wholly_apart():
    slow, quick = [float(number) for number in range(100, 150)], [float(number) for number in range(50)]

    assert (apart(slow, quick).longer, apart(quick, slow).longer) == (1, 0)
    assert apart(slow, quick).p < 1e-12


def test_equal_times_count_half_for_each():
    assert apart([1.0, 2.0], [2.0, 3.0]).longer == 0.125
    assert apart([5.0] * 20, [5.0] * 20).p == 1


def test_a_known_case():
    """Mann and Whitney's statistic counted by hand: of 25 pairs 21 are longer, so z = (21 - 12.5) / sqrt(5 * 5 * 11 / 12) = 1.78."""
    found = apart([19.0, 22.0, 16.0, 29.0, 24.0], [20.0, 11.0, 17.0, 12.0, 18.0])

    assert found.longer == pytest.approx(21 / 25)
    assert found.p == pytest.approx(0.0758, abs=0.001)


def test_a_hundredth_of_a_second_is_found_in_noise_and_nothing_in_noise_alone():
    chance = random.Random(7)
    noise = [[chance.gauss(0.1, 0.02) for _ in range(240)] for _ in range(2)]

    assert apart([time + 0.01 for time in noise[0]], noise[1]).p < 0.001
    assert apart(*noise).p > 0.05
