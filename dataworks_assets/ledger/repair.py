"""Bringing the ledger of a run that is over to its end, whatever died in between: the same rows a run would have written."""

from __future__ import annotations

import msgspec

from dataworks_assets.ledger.entries import Outcome, RunEntry
from dataworks_assets.ledger.judging import judge
from dataworks_assets.ledger.recorder import LedgerBook
from spark.errors import DataworksError


def repair(book: LedgerBook, entry: RunEntry, outcome: Outcome) -> list[str]:
    """Writes what a run that is over left unwritten, and closes its entry; may be done again at any time.

    Args:
        book: what is written where.
        entry: what is kept of the run.
        outcome: how Dagster says that it ended; what the run itself said goes before it.

    Returns:
        What could not be written: the entry stays, an operator was told, once.
    """
    entry = msgspec.structs.replace(entry, outcome=entry.outcome or outcome)
    problems = _write(book, entry)
    if not problems:
        book.entries.close(entry.run_id)
    elif not entry.complained and book.complain(entry, problems):
        book.entries.keep(msgspec.structs.replace(entry, complained=True))
    return problems


def _write(book: LedgerBook, entry: RunEntry) -> list[str]:
    try:
        ends = judge(entry, book.truth)
    except DataworksError as error:
        return [f"what is published cannot be told: {error}"]
    try:
        book.announce(entry, ends)
    except DataworksError as error:
        return [f"what is complete cannot be told: {error}"]
    unwritten = book.tables.write([*book.started(entry), *book.ended(entry, ends)])
    return [f"{each.change}: {each.error}" for each in unwritten]
