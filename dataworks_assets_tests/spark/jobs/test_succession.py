"""Days are judged after the day before them, with its rows."""

import itertools
from datetime import date, timedelta

import pytest

from dataworks_assets_tests.spark.jobs.examples import work
from spark.jobs.succession import Succession

DATES = ("2026-11-19", "2026-11-20", "2026-11-21")


def day_before(day):
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def judged(arriving, *, rows, previous_rows=7, waiting=DATES):
    """Lets days arrive in an order; returns (date, previous rows) as they were judged. `rows` by date, None: refused."""
    days = {day: work(export_date=day, previous_rows=previous_rows, previous_day=day_before(day)) for day in DATES}
    succession = Succession(days[day] for day in waiting)
    seen = []

    def judge(each):
        seen.append((each.export_date, each.previous_rows))
        return rows[each.export_date]

    for day in arriving:
        succession.judge(days[day], judge)
    return seen


@pytest.mark.parametrize("arriving", itertools.permutations(DATES))
def test_in_whatever_order_days_arrive_each_is_held_against_the_one_before(arriving):
    rows = dict(zip(DATES, (10, 20, 30), strict=True))
    assert judged(arriving, rows=rows) == [("2026-11-19", 7), ("2026-11-20", 10), ("2026-11-21", 20)]


def test_after_a_refused_day_what_is_published_counts():
    rows = dict(zip(DATES, (10, None, 30), strict=True))
    assert judged(DATES, rows=rows) == [("2026-11-19", 7), ("2026-11-20", 10), ("2026-11-21", 7)]


def test_a_day_of_an_empty_day_before_is_held_against_no_rows():
    assert judged(DATES[:2], rows={DATES[0]: 0, DATES[1]: 5})[1] == (DATES[1], 0)


@pytest.mark.parametrize("arriving", itertools.permutations(DATES[::2]))
def test_a_day_is_held_against_the_nearest_one_where_the_day_between_is_none(arriving):
    days = [work(export_date=day) for day in arriving]
    succession = Succession(days)
    seen = []

    def judge(each):
        seen.append((each.export_date, each.previous_rows, each.previous_day))
        return 10

    for each in days:
        succession.judge(each, judge)
    assert seen == [(DATES[0], None, ""), (DATES[2], 10, DATES[0])]


def test_a_published_day_between_is_nearer_than_an_earlier_one_of_the_application():
    first = work(export_date=DATES[0])
    last = work(export_date=DATES[2], previous_rows=5, previous_day=DATES[1])
    succession = Succession([first, last])
    succession.judge(first, lambda _: 10)
    seen = []
    succession.judge(last, lambda each: seen.append((each.previous_rows, each.previous_day)))
    assert seen == [(5, DATES[1])]


def test_a_second_empty_day_is_held_against_what_the_refused_one_was():
    first, second = work(export_date=DATES[0], previous_rows=7, previous_day="2026-11-10"), work(export_date=DATES[1])
    succession = Succession([first, second])
    succession.judge(first, lambda _: None)
    seen = []
    succession.judge(second, lambda each: seen.append((each.previous_rows, each.previous_day)))
    assert seen == [(7, "2026-11-10")]


def test_days_that_do_not_wait_are_judged_at_once():
    rows = dict.fromkeys(DATES, 1)
    assert [day for day, _ in judged(DATES[::-1], rows=rows, waiting=())] == list(DATES[::-1])


def test_another_collection_does_not_wait():
    first, second = work(export_date=DATES[0], collection="a/b"), work(export_date=DATES[1], collection="c/d")
    succession = Succession([first, second])
    seen = []
    succession.judge(second, lambda each: seen.append(each.collection))
    assert seen == ["c/d"]
