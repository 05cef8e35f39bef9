"""Judges days in order if they are compared with each other: the row count of a full with that of the day before.

A day waits until the nearest earlier day in the same application was judged. Pure bookkeeping, thread-safe.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from itertools import pairwise

import msgspec

from spark.contract import PartitionWork

Key = tuple[str, str]
"""Collection and export date."""
Judge = Callable[[PartitionWork], int | None]
"""Judges a day; returns the number of rows that it will show, or None if it is refused."""


class Succession:
    """Calls the judges of days, each after that of the collection's nearest earlier day.

    Args:
        works: the days of this application that wait for each other; any other day is judged at once.
    """

    def __init__(self, works: Iterable[PartitionWork]) -> None:
        keys = sorted({_key(work) for work in works})
        self._before: dict[Key, Key] = {later: earlier for earlier, later in pairwise(keys) if earlier[0] == later[0]}
        self._unjudged = set(keys)
        self._counts: dict[Key, tuple[str, int]] = {}
        self._waiting: dict[Key, tuple[PartitionWork, Judge]] = {}
        self._lock = threading.Lock()

    def judge(self, work: PartitionWork, judge: Judge) -> None:
        """Judges a day, and those that waited for it; or leaves it waiting for the day before.

        `previous_rows` of the judged work are those that this application will show for the nearest earlier day. If that day
        is refused, they are the rows which that day was compared with, so that a second empty day fares no better than the
        first. A published day that the plan found counts instead if it is nearer.
        """
        ready: tuple[PartitionWork, Judge] | None = (work, judge)
        while ready is not None and self._may_go(*ready):
            work, judge = ready
            work = self._with_day_before(work)
            ready = self._judged(work, judge(work))

    def _may_go(self, work: PartitionWork, judge: Judge) -> bool:
        before = self._before.get(_key(work))
        with self._lock:
            if before is None or before not in self._unjudged:
                return True
            self._waiting[before] = (work, judge)
            return False

    def _with_day_before(self, work: PartitionWork) -> PartitionWork:
        before = self._before.get(_key(work))
        counts = None if before is None else self._counts.get(before)
        if counts is None or (work.previous_rows is not None and work.previous_day > counts[0]):
            return work
        day, rows = counts
        return msgspec.structs.replace(work, previous_rows=rows, previous_day=day)

    def _judged(self, work: PartitionWork, shown: int | None) -> tuple[PartitionWork, Judge] | None:
        with self._lock:
            self._unjudged.discard(_key(work))
            if shown is not None:
                self._counts[_key(work)] = work.export_date, shown
            elif work.previous_rows is not None:
                self._counts[_key(work)] = work.previous_day, work.previous_rows
            return self._waiting.pop(_key(work), None)


def _key(work: PartitionWork) -> Key:
    return work.collection, work.export_date
