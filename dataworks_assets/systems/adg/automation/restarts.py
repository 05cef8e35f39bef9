"""Days that an operator started, or restarted by clearing their row: each is an object until its run has been created."""

from __future__ import annotations

from datetime import UTC, date, datetime

from dagster import DagsterInstance, RunRequest, RunsFilter

from dataworks_assets.systems.adg.automation.requests import Trigger, WantedDay, run_requests, with_day
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.runs import RESTART_TAG, in_flight
from spark.contract import Document, decode, encode
from spark.store import ObjectStore


class Restart(Document, frozen=True):
    """One day that is to be started, with its run's options; `act` is the id of the operator's act.

    `collections` are the requested ones; if empty, all that have the day.
    """

    system: str
    date: date
    correlation_id: str
    act: str
    force: bool = True
    s3_prefix: str | None = None
    skip_pdm_trigger: bool | None = None
    collections: tuple[str, ...] = ()

    def wanted(self, scope: AdgScope) -> WantedDay:
        """Returns the day as a request for a run."""
        told = {"force": self.force or None, "skip_pdm_trigger": self.skip_pdm_trigger}
        return WantedDay(
            self.date,
            frozenset(self.collections) or with_day(scope, self.date),
            self.correlation_id,
            s3_prefix=self.s3_prefix,
            act=self.act,
            told={name: value for name, value in told.items() if value is not None},
        )


class RestartStore:
    """The restarts of one deployment, below its control prefix."""

    def __init__(self, store: ObjectStore, control_uri: str) -> None:
        self._store = store
        self._prefix = f"{control_uri}/ledger/restarts"

    def keep(self, restart: Restart) -> None:
        """Stores a restart."""
        self._store.put(self._uri(restart), encode(restart))

    def done(self, restart: Restart) -> None:
        """Deletes a restart."""
        self._store.delete([self._uri(restart)])

    def all(self, system: str) -> list[Restart]:
        """Returns the restarts of a system, the oldest act first."""
        uris = [listed.uri for listed in self._store.list(f"{self._prefix}/{system}")]
        bodies = zip(uris, self._store.read_many(uris), strict=True)
        return sorted((decode(body, Restart, where=uri) for uri, body in bodies if body is not None), key=lambda each: each.act)

    def _uri(self, restart: Restart) -> str:
        return f"{self._prefix}/{restart.system}/{restart.act}.json"


def restart_requests(store: RestartStore, scope: AdgScope, instance: DagsterInstance, *, now: datetime) -> list[RunRequest]:
    """Returns the run requests of days that are to be started; deletes restarts whose run exists.

    A day that another run is doing waits. So does a future day, whose unknown partition would make Dagster refuse them all.
    """
    waiting: list[Restart] = []
    for restart in store.all(scope.name):
        if instance.get_runs(RunsFilter(tags={RESTART_TAG: restart.act}), limit=1):
            store.done(restart)
        else:
            waiting.append(restart)
    busy = {day for _, day in in_flight(instance, scope, now=now)} if waiting else set()
    today = now.astimezone(UTC).date()
    by_day = {restart.date: restart for restart in waiting if restart.date not in busy and restart.date <= today}
    wanted = [restart.wanted(scope) for _, restart in sorted(by_day.items())]
    return run_requests(scope, wanted, trigger=Trigger.RESTART)
