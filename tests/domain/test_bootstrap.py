from statistics import fmean

import pytest

from briefings.domain.bootstrap import Estimate, estimate


def test_an_interval_holds_the_figure_and_narrows_with_more_of_the_same():
    few, many = estimate([0, 1] * 10, fmean), estimate([0, 1] * 500, fmean)
    assert few.value == many.value == 0.5
    assert few.low < many.low < 0.5 < many.high < few.high
    assert many.high - many.low == pytest.approx(2 * 1.96 * (0.25 / 1000) ** 0.5, rel=0.15)


def test_a_sample_without_variety_is_sure_and_every_run_says_the_same():
    assert estimate([3, 3, 3], fmean) == Estimate(3, 3, 3)
    assert estimate(range(9), fmean) == estimate(range(9), fmean)


def test_an_interval_comes_from_as_many_draws_as_asked_for_each_as_large_as_the_sample():
    sizes = []
    estimate(range(7), lambda drawn: sizes.append(len(drawn)) or 0.0, resamples=50)
    assert sizes == [7] * 51


def test_an_estimate_reads_as_a_figure_with_its_interval():
    assert str(Estimate(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"
