"""The sensor of ADG's ledger: takes up lost runs, repairs dead ones, sends waiting messages, pushes the newest days' ages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dagster import DagsterInstance, RunRequest

from dataworks_assets.ledger.notices import Notifier
from dataworks_assets.systems.adg.automation.lost_runs import take_up_lost_runs
from dataworks_assets.systems.adg.automation.restarts import RestartStore, restart_requests
from dataworks_assets.systems.adg.recording import ledger_repair, push_newest
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.platform import Platform
from spark.contract import Document, decode, encode
from spark.errors import ConfigurationError, DataworksError

_PUSH_EVERY = timedelta(minutes=10)


class LedgerCursor(Document, frozen=True):
    """Time of the last tick, and of the last push of ages."""

    ticked_utc: datetime | None = None
    pushed_utc: datetime | None = None


@dataclass(frozen=True)
class Watched:
    """What a tick did; `problems` could not be done and are retried; `asked` are the requested runs of restarted days."""

    said: str
    cursor: str
    problems: tuple[str, ...]
    asked: tuple[RunRequest, ...]


@dataclass(frozen=True)
class LedgerWatch:
    """Watches over the ledger of one snapshot type."""

    platform: Platform
    scope: AdgScope
    notifier: Notifier

    def tick(self, cursor: str | None, instance: DagsterInstance, *, now: datetime) -> Watched:
        """Does all the work that is due.

        Raises:
            StoreError: the open entries, or what is waiting, cannot be read.
        """
        before = _read(cursor)
        repair = ledger_repair(self.platform, self.scope, self.notifier)
        take_up_lost_runs(repair.book, self.scope, instance, since=before.ticked_utc or now)
        repaired = repair.tick(instance, now=now)
        pushed_utc, problems = before.pushed_utc, list(repaired.problems)
        if pushed_utc is None or now - pushed_utc >= _PUSH_EVERY:
            try:
                push_newest(self.platform, self.scope, now=now)
                pushed_utc = now
            except DataworksError as error:
                problems.append(f"the age of the newest days is not pushed: {error}")
        after = LedgerCursor(ticked_utc=now, pushed_utc=pushed_utc)
        restarts = RestartStore(self.platform.store, self.scope.control_uri)
        asked = restart_requests(restarts, self.scope, instance, now=now)
        return Watched(str(repaired), encode(after).decode(), tuple(problems), tuple(asked))


def _read(cursor: str | None) -> LedgerCursor:
    """Returns the cursor; starts anew if it cannot be read, as one written by another release."""
    try:
        return decode((cursor or "{}").encode(), LedgerCursor, where="cursor")
    except ConfigurationError:
        return LedgerCursor()
