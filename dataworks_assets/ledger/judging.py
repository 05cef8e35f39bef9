"""Judges how each day of a finished run ended, by what the catalog shows; the same for a run that reported its end or died."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dataworks_assets.ledger.entries import DayEntry, Failing, RunEntry
from dataworks_assets.ledger.rows import CollectionStatus, DayStatus

CollectionDay = tuple[str, str]
"""A collection's name and a date."""


@dataclass(frozen=True)
class Publication:
    """A published collection's day: since when (ISO 8601), and by which application."""

    published_utc: str
    run_id: str


class Truth(Protocol):
    """What is configured and what is published."""

    def configured(self, date: str) -> frozenset[str]:
        """The names of the collections that have this day."""

    def published(self, wanted: Collection[CollectionDay]) -> Mapping[CollectionDay, Publication]:
        """Returns which of the collections' days are published, according to the catalog.

        Raises:
            CatalogError: the catalog does not answer.
        """


@dataclass(frozen=True)
class DayEnd:
    """How a day of a run ended; a status of None leaves its row as it is."""

    day: DayEntry
    status: DayStatus | None
    failing: tuple[Failing, ...]
    collections: Mapping[str, CollectionStatus]
    """The status of each collection that the run had work for."""


def judge(entry: RunEntry, truth: Truth) -> tuple[DayEnd, ...]:
    """Returns how each day of a finished run ended.

    A day has failed if anything requested of it failed. It is complete when everything configured for it is published, by
    whichever runs.
    """
    failing = {(each.collection, each.date): each for each in entry.failing}
    wanted = {pair for day in entry.days for pair in _to_ask(entry, day, truth, failing)}
    published = truth.published(wanted) if wanted else {}
    return tuple(_judge(entry, day, truth.configured(day.date), published, failing) for day in entry.days)


def _to_ask(entry: RunEntry, day: DayEntry, truth: Truth, failing: Mapping[CollectionDay, Failing]) -> Iterable[CollectionDay]:
    if entry.work is None:
        return []
    names = truth.configured(day.date) | set(entry.work.get(day.date, ()))
    return [(name, day.date) for name in names if (name, day.date) not in failing]


def _judge(
    entry: RunEntry,
    day: DayEntry,
    configured: frozenset[str],
    published: Mapping[CollectionDay, Publication],
    failing: Mapping[CollectionDay, Failing],
) -> DayEnd:
    if entry.work is None:
        lost = Failing(collection="", date=day.date, cause="the run ended before it had planned anything")
        return DayEnd(day, DayStatus.FAILED, (lost,), {})
    work = entry.work.get(day.date, ())
    failed = {name: each for name in day.asked if (each := failing.get((name, day.date))) is not None}
    for name in work:
        if name not in failed and not _is_done(entry, published.get((name, day.date))):
            failed[name] = Failing(collection=name, date=day.date, cause="the run ended before it was published")
    statuses = {name: _status(failed.get(name)) for name in dict.fromkeys((*work, *failed))}
    complete = not failed and all((name, day.date) in published for name in configured)
    status = DayStatus.FAILED if failed else DayStatus.COMPLETED if complete and configured else None
    return DayEnd(day, status, tuple(failed[name] for name in sorted(failed)), statuses)


def _is_done(entry: RunEntry, publication: Publication | None) -> bool:
    """Whether a collection's day was published by this run, or by another since it began."""
    if publication is None:
        return False
    return publication.run_id.startswith(entry.run_id) or _utc(publication.published_utc) >= entry.started_utc


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _status(failed: Failing | None) -> CollectionStatus:
    if failed is None:
        return CollectionStatus.COMPLETED
    return CollectionStatus.FAILED_PUBLISHING if failed.is_publishing else CollectionStatus.FAILED_PROCESSING
