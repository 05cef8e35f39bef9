"""Days in their order where they are held against each other: the rows of a full against those of the day before.

A day whose day before is read by the same application waits until that one was judged. Pure bookkeeping, safe over threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import date, timedelta

import msgspec

from spark.contract import PartitionWork

Key = tuple[str, str]
"""Collection and export date."""
Judge = Callable[[PartitionWork], int | None]
"""Judges a day; returns the rows that it will show, None where it is refused."""


class Succession:
    """Calls the judges of days, each after that of its collection's day before.

    Args:
        works: the days of this application that wait for each other; a day of no part in it is judged at once.
    """

    def __init__(self, works: Iterable[PartitionWork]) -> None:
        self._unjudged = {_key(work) for work in works}
        self._rows: dict[Key, int] = {}
        self._held_against: dict[Key, int] = {}
        self._waiting: dict[Key, tuple[PartitionWork, Judge]] = {}
        self._lock = threading.Lock()

    def judge(self, work: PartitionWork, judge: Judge) -> None:
        """Judges a day, and those that waited for it; or leaves it waiting for its day before.

        `previous_rows` of the work that is judged are those of the day before as this application will show it. Where that
        day is refused, or not of this application, they stay what the plan found published; where the plan found nothing,
        they are those that the refused day was held against, so that a second empty day is no better than the first.
        """
        ready: tuple[PartitionWork, Judge] | None = (work, judge)
        while ready is not None and self._may_go(*ready):
            work, judge = ready
            work = self._with_day_before(work)
            ready = self._judged(work, judge(work))

    def _may_go(self, work: PartitionWork, judge: Judge) -> bool:
        before = _day_before(work)
        with self._lock:
            if before not in self._unjudged:
                return True
            self._waiting[before] = (work, judge)
            return False

    def _with_day_before(self, work: PartitionWork) -> PartitionWork:
        rows = self._rows.get(_day_before(work))
        if rows is None and work.previous_rows is None:
            rows = self._held_against.get(_day_before(work))
        return work if rows is None else msgspec.structs.replace(work, previous_rows=rows)

    def _judged(self, work: PartitionWork, shown: int | None) -> tuple[PartitionWork, Judge] | None:
        with self._lock:
            self._unjudged.discard(_key(work))
            if shown is not None:
                self._rows[_key(work)] = shown
            elif work.previous_rows is not None:
                self._held_against[_key(work)] = work.previous_rows
            return self._waiting.pop(_key(work), None)


def _key(work: PartitionWork) -> Key:
    return work.collection, work.export_date


def _day_before(work: PartitionWork) -> Key:
    return work.collection, (date.fromisoformat(work.export_date) - timedelta(days=1)).isoformat()
