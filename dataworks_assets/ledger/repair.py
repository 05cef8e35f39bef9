"""Completes the ledger of a finished run, whatever died in between, with the same rows that the run would have written."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dataworks_assets.ledger.entries import Outcome, RunEntry
from dataworks_assets.ledger.judging import DayEnd, judge
from dataworks_assets.ledger.recorder import LedgerBook
from spark.errors import DataworksError


def repair(book: LedgerBook, entry: RunEntry, outcome: Outcome, *, will_retry: bool = False) -> list[str]:
    """Writes what a finished run left unwritten, and closes its entry; may be repeated at any time.

    Args:
        book: what is written, and where.
        entry: the run's ledger entry.
        outcome: how it ended according to Dagster; what the run itself recorded takes precedence.
        will_retry: whether Dagster will retry the run by itself.

    Returns:
        What could not be written; the entry then stays, and an operator is told once.
    """
    entry = msgspec.structs.replace(entry, outcome=entry.outcome or outcome)
    try:
        ends = judge(entry, book.truth)
    except DataworksError as error:
        return _left(book, entry, entry, [f"what is published cannot be told: {error}"])
    told, problems = _tell(book, entry, ends, will_retry=will_retry)
    problems += _write(book, entry, ends)
    if problems:
        return _left(book, entry, told, problems)
    book.entries.close(entry.name)
    return []


def _tell(book: LedgerBook, entry: RunEntry, ends: Sequence[DayEnd], *, will_retry: bool) -> tuple[RunEntry, list[str]]:
    """Tells operators how a run ended, if they were not told yet."""
    if entry.is_told:
        return entry, []
    try:
        book.tell_end(entry, ends, will_retry=will_retry)
    except DataworksError as error:
        return entry, [str(error)]
    return msgspec.structs.replace(entry, is_told=True), []


def _write(book: LedgerBook, entry: RunEntry, ends: Sequence[DayEnd]) -> list[str]:
    """Writes everything that can be written; a failure does not stop the rest."""
    problems: list[str] = []
    for step in (book.announce, book.measure_end):
        try:
            step(entry, ends)
        except DataworksError as error:
            problems.append(str(error))
    unwritten = book.tables.write([*book.started(entry), *book.rows.placed(entry), *book.ended(entry, ends)])
    return [*problems, *(f"{each.change}: {each.error}" for each in unwritten)]


def _left(book: LedgerBook, before: RunEntry, after: RunEntry, problems: list[str]) -> list[str]:
    """Stores what is known of a run whose ledger cannot be closed, and tells an operator once."""
    if not after.complained and book.complain(after, problems):
        after = msgspec.structs.replace(after, complained=True)
    if after != before:
        book.entries.keep(after)
    return problems
