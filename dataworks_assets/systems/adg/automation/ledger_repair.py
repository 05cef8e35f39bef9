"""The sensor of the ledger: brings to its end what a dead run left, whether Dagster, the job or the machine died."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from dagster import DagsterInstance, DagsterRunStatus

from dataworks_assets.ledger.entries import Outcome, RunEntry
from dataworks_assets.ledger.notices import Notifier
from dataworks_assets.ledger.repair import repair
from dataworks_assets.systems.adg.recording import ledger_book
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.platform import Platform

_OUTCOMES = {
    DagsterRunStatus.SUCCESS: Outcome.SUCCEEDED,
    DagsterRunStatus.FAILURE: Outcome.FAILED,
    DagsterRunStatus.CANCELED: Outcome.CANCELLED,
}


@dataclass(frozen=True)
class Repaired:
    """What a tick did: runs by `repaired`, `waiting` (they go on), `left` (their ledger cannot be written); and problems."""

    counts: Counter[str]
    problems: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()))
        return f"ledgers of runs: {said}" if said else "the ledger of every run is closed"


@dataclass(frozen=True)
class LedgerRepair:
    """Repairs the ledger of one snapshot type's runs."""

    platform: Platform
    scope: AdgScope
    notifier: Notifier

    def tick(self, instance: DagsterInstance, *, now: datetime) -> Repaired:
        """Closes the ledger of every run that is over; forgets marks of runs that were closed long ago.

        Raises:
            StoreError: the open entries cannot be read.
        """
        book = ledger_book(self.platform, self.scope, self.notifier)
        counts: Counter[str] = Counter()
        problems: list[str] = []
        for entry in book.entries.open_entries():
            if entry.system != self.scope.name:
                continue
            outcome = self._outcome(instance, entry, now)
            if outcome is None:
                counts["waiting"] += 1
                continue
            found = repair(book, entry, outcome)
            problems += found
            counts["left" if found else "repaired"] += 1
        book.entries.forget(before_utc=now - timedelta(days=book.config.keep_days))
        return Repaired(counts, tuple(problems))

    def _outcome(self, instance: DagsterInstance, entry: RunEntry, now: datetime) -> Outcome | None:
        """Returns how a run ended, None while it goes on. A run that Dagster does not know is over when none could last."""
        run = instance.get_run_by_id(entry.run_id)
        if run is not None:
            return _OUTCOMES.get(run.status)
        longest = timedelta(seconds=self.scope.settings.deployment.engine.timeout_seconds)
        return Outcome.FAILED if now - entry.started_utc > longest else None
