"""Scattered days become few ranges that hold nothing else which costs anything."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dataworks_assets.cli.ranges import cover, gaps

FIRST = date(2026, 11, 1)
ALL = ("core/statement",)


def day(number):
    return FIRST + timedelta(days=number)


def ranges(days, free=(), longest_days=31):
    made = cover(ALL, [day(each) for each in days], free={day(each) for each in free}, longest_days=longest_days)
    return [((each.first_day - FIRST).days, (each.last_day - FIRST).days) for each in made]


def test_days_in_a_row_are_one_range():
    assert ranges([1, 2, 3]) == [(1, 3)]


def test_a_day_between_that_would_cost_something_parts_two_ranges():
    assert ranges([1, 3]) == [(1, 1), (3, 3)]


def test_a_day_between_that_costs_nothing_joins_them():
    assert ranges([1, 3], free=[2]) == [(1, 3)]


def test_a_range_is_no_longer_than_allowed():
    assert ranges(range(5), longest_days=2) == [(0, 1), (2, 3), (4, 4)]


def test_gaps_are_what_lies_between():
    assert list(gaps([day(1), day(4)])) == [day(2), day(3)]


@given(st.sets(st.integers(0, 30), min_size=1), st.sets(st.integers(0, 30)), st.integers(1, 10))
def test_ranges_hold_every_day_asked_for_once_and_besides_only_free_ones(days, free, longest_days):
    covered = [each for first, last in ranges(days, free, longest_days) for each in range(first, last + 1)]
    assert len(covered) == len(set(covered))
    assert days <= set(covered) <= days | free


@given(st.sets(st.integers(0, 30), min_size=1), st.sets(st.integers(0, 30)), st.integers(1, 10))
def test_no_range_is_too_long(days, free, longest_days):
    assert all(last - first < longest_days for first, last in ranges(days, free, longest_days))
