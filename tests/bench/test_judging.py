"""What the guard of the benchmarks lets pass, and what it does not."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.judging import TOLERANCE, Case, Recorded, table_of
from bench.rows import Row

FIGURES = st.floats(0.01, 1e6)


def row(target=2.0, unit="x", at_least=False):
    return Row("chain of 10 steps", "the same calls", target, lambda: 0.0, unit, at_least=at_least)


def case(now, *, recorded=None, misses=None, parent=None, **of_row):
    written = None if recorded is None else Recorded(recorded, misses)
    return Case("gcel", row(**of_row), written, parent, [now] if isinstance(now, float) else now)


def test_a_row_without_a_past_is_held_to_its_target():
    assert case(2.0).passes
    assert not case(2.01).passes


def test_a_row_that_is_to_be_high_is_held_to_its_target_from_above():
    assert case(2.0, at_least=True).passes
    assert not case(1.99, at_least=True).passes


def test_15_percent_over_what_is_recorded_fails_though_the_target_is_far():
    assert case(1.149, recorded=1.0).passes
    assert not case(1.151, recorded=1.0).passes


def test_15_percent_over_the_commit_before_fails_though_what_is_recorded_was_worse():
    assert case(1.1, recorded=1.5, parent=1.0).passes
    assert not case(1.2, recorded=1.5, parent=1.0).passes


def test_many_small_steps_down_are_held_to_what_is_recorded():
    assert not case(1.2, recorded=1.0, parent=1.1).passes


def test_a_speed_may_fall_by_no_more_than_its_cost_may_rise():
    assert case(0.88, recorded=1.0, target=0.5, at_least=True).passes
    assert not case(0.86, recorded=1.0, target=0.5, at_least=True).passes


def test_a_known_miss_passes_until_it_is_15_percent_worse():
    known = case(2.5, recorded=2.3, misses=2.0)
    assert known.passes
    assert known.verdict == "known miss"
    assert not case(2.65, recorded=2.3, misses=2.0).passes


def test_a_miss_that_nobody_wrote_down_fails_though_it_is_near_what_was():
    assert not case(2.05, recorded=1.95).passes


def test_a_known_miss_that_meets_its_target_now_asks_to_be_recorded():
    assert case(1.9, recorded=2.3, misses=2.0).verdict == "no longer missed: record it"


@pytest.mark.parametrize(("unit", "passes"), [("%", True), ("", True), ("x", False), ("MB", False)])
def test_shares_and_counts_are_held_to_their_targets_alone(unit, passes):
    assert case(0.6, recorded=0.4, parent=0.4, unit=unit).passes is passes


def test_a_share_that_is_known_to_miss_may_not_get_worse():
    assert not case(4.0, recorded=3.0, misses=2.0, unit="%").passes


def test_a_count_of_nothing_may_stay_nothing():
    assert case(0.0, recorded=0.0, target=0.0, unit="").passes
    assert not case(1.0, recorded=0.0, target=0.0, unit="").passes


def test_the_best_of_all_measurements_counts():
    assert case([2.4, 2.3, 1.9]).passes
    assert case([0.7, 1.1, 0.8], target=1.0, at_least=True).now == 1.1


def test_the_middle_of_all_measurements_is_recorded_with_the_target_that_it_misses():
    assert case([2.4, 2.3, 1.9]).to_record() == Recorded(2.3, 2.0)
    assert case([1.8, 2.3, 1.9]).to_record() == Recorded(1.9)


def test_the_table_names_row_before_now_and_allowed():
    cases = [case(2.4, recorded=1.0), case(1.1, recorded=1.2, target=0.5, at_least=True)]
    heading, failed, passed = table_of(cases).splitlines()
    assert heading.split() == ["table", "row", "before", "now", "allowed"]
    assert failed.startswith("gcel   chain of 10 steps")
    assert failed.split()[-5:] == ["1x", "2.4x", "<=", "1.15x", "FAIL"]
    assert passed.split()[-5:] == ["1.2x", "1.1x", ">=", "1.04x", "pass"]


@given(FIGURES, FIGURES, FIGURES, st.booleans())
def test_what_is_recorded_passes_when_it_is_measured_again(figure, target, worse, at_least):
    once = case(figure, target=target, at_least=at_least)
    again = Case("gcel", once.row, once.to_record(), None, [figure])
    assert again.passes
    cost = once.row.cost(worse)
    assume(cost > once.row.cost(figure) * (1 + TOLERANCE) * (1 + 1e-9))
    assert not Case("gcel", once.row, once.to_record(), None, [worse]).passes
