"""Turns scattered days into as few ranges as possible, each of which is one run. Pure.

A range may include days that were not requested only if they cost nothing because they are published and unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from dataworks_assets.systems.plan import Decision, PlannedDay

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DayRange:
    """Collections over a range of days: one run."""

    collections: tuple[str, ...]
    first_day: date
    last_day: date

    @property
    def length(self) -> int:
        """Number of days."""
        return (self.last_day - self.first_day).days + 1

    @property
    def text(self) -> str:
        """The range as it is written on the command line."""
        return str(self.first_day) if self.first_day == self.last_day else f"{self.first_day}...{self.last_day}"


def free_days(plan: Iterable[PlannedDay]) -> set[date]:
    """Returns the days that cost nothing for any collection that was planned."""
    by_day: dict[date, bool] = {}
    for planned in plan:
        by_day[planned.day] = by_day.get(planned.day, True) and planned.decision is Decision.UNCHANGED
    return {day for day, is_free in by_day.items() if is_free}


def gaps(days: Iterable[date]) -> Iterator[date]:
    """Yields the days that lie between the first and the last of these and are none of them."""
    known = set(days)
    day, last = min(known), max(known)
    while day < last:
        if day not in known:
            yield day
        day += _ONE_DAY


def cover(collections: tuple[str, ...], days: Iterable[date], *, free: set[date], longest_days: int) -> list[DayRange]:
    """Returns the fewest ranges that hold every one of the days and besides them only free ones.

    Args:
        collections: of every range.
        days: what was asked for.
        free: days that cost nothing.
        longest_days: most days of one range.
    """
    ranges: list[DayRange] = []
    for day in sorted(set(days)):
        last = ranges[-1] if ranges else None
        if last and (day - last.first_day).days < longest_days and _all_free(last.last_day, day, free):
            ranges[-1] = DayRange(collections, last.first_day, day)
        else:
            ranges.append(DayRange(collections, day, day))
    return ranges


def _all_free(before: date, day: date, free: set[date]) -> bool:
    between = before + _ONE_DAY
    while between < day:
        if between not in free:
            return False
        between += _ONE_DAY
    return True
