"""Operators' actions on ADG's ledger: clear a status row and restart its day, start a run, notify downstream of a day again.

Each action is planned first. The plan says in words what would be done; once confirmed, the act is recorded, then done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import msgspec
from dagster import DagsterInstance

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.problems import nearest
from dataworks_assets.ledger.dynamo import Attributes
from dataworks_assets.ledger.errands import Errand, ErrandKind
from dataworks_assets.systems.acts import Act, record_act
from dataworks_assets.systems.adg.automation.requests import with_day
from dataworks_assets.systems.adg.automation.restarts import Restart, RestartStore
from dataworks_assets.systems.adg.correlation import refuse_misfits
from dataworks_assets.systems.adg.planner import Planner
from dataworks_assets.systems.adg.recording import configured, ledger_book, run_entry
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.plan import Plan, Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.recording import CatalogTruth
from dataworks_assets.systems.runs import in_flight
from spark.errors import ConfigurationError, LedgerError

_NAMED = 5
_SKIPPED = {
    True: "yes: nobody is told",
    False: "no: downstream is told once the day is complete",
    None: "left out: nobody is told, for no export's message starts this run",
}
"""What skipping the PDM trigger, not skipping it, or leaving that open means for a run that an operator starts."""


@dataclass(frozen=True)
class Clearing:
    """A status row that is to be deleted, and whether its day is then started anew."""

    day: date
    correlation_id: str
    product: str
    row: Attributes = field(default_factory=dict)

    @property
    def phrase(self) -> str:
        """What is typed to confirm it."""
        return f"clear {self.day}"

    @property
    def words(self) -> str:
        """What would be done."""
        said = ", ".join(f"{name} {self.row[name]}" for name in ("Status", "CurrentStep", "Run_Id") if name in self.row)
        return (
            f"Delete the row {self.correlation_id} / {self.product} ({said}), then start a forced run of {self.day} with this"
            " correlation id: every collection of the day is read and published again"
        )


@dataclass(frozen=True)
class Resending:
    """Messages about a complete day that are to be sent again."""

    day: date
    errands: tuple[Errand, ...]

    @property
    def phrase(self) -> str:
        """What is typed to confirm it."""
        return f"resend {self.day}"

    @property
    def words(self) -> str:
        """What would be done."""
        return "; ".join(f"Send the {errand.kind.words} {errand.body}" for errand in self.errands)


@dataclass(frozen=True)
class Starting:
    """A run that is to be started, with its options.

    Args:
        restart: the day and the run's options.
        plan: what the run would do.
        is_told: whether downstream may be told of its day, which holds for fulls only.
    """

    restart: Restart
    plan: Plan
    is_told: bool

    @property
    def words(self) -> str:
        """What would be done."""
        asked, counts = self.restart, Counter(str(planned.decision) for planned in self.plan.days)
        told = {
            "correlation id": asked.correlation_id,
            "S3 prefix": asked.s3_prefix,
            "skip the PDM trigger": _SKIPPED[asked.skip_pdm_trigger] if self.is_told else "",
        }
        said = ", ".join(f"{name} {value}" for name, value in told.items() if value)
        does = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
        return f"Start a run of {asked.date} ({said}): {does}"


@dataclass(frozen=True)
class LedgerAdmin:
    """Plans and carries out operators' actions on the ledger of one snapshot type."""

    platform: Platform
    scope: AdgScope

    def plan_clear(self, day: date, correlation_id: str, instance: DagsterInstance) -> Clearing:
        """Returns what clearing a row would do.

        Args:
            day: the export date.
            correlation_id: of the row; empty if the day has only one row.
            instance: holds the runs.

        Raises:
            ConfigurationError: there is no such row, or more than one; or a run is working on the day.
            LedgerError: the status table cannot be read.
        """
        again = (
            f"There is nothing to clear: `dataworks adg run --type {self.scope.snapshot_type} --day {day} --force` does it anew"
        )
        row = self._row(day, correlation_id, if_none=again)
        busy = sorted(name for name, other in in_flight(instance, self.scope, now=datetime.now(UTC)) if other == day)
        if busy:
            raise ConfigurationError(
                f"a run is doing {day} ({', '.join(busy[:_NAMED])})",
                remedy="Cancel it in Dagster, or wait for its end, then clear the row",
            )
        return Clearing(day, str(row["Correlation_Id"]), str(row["DataProduct"]), row)

    def clear(self, plan: Clearing, act: Act, *, starts: bool) -> None:
        """Deletes the row; with `starts`, also asks the ledger's sensor for a forced run of the day.

        Raises:
            StoreError: the act cannot be recorded, and is not done.
            LedgerError: the row cannot be deleted.
        """
        record_act(self.platform.store, self.scope.control_uri, act)
        if starts:
            restart = Restart(system=self.scope.name, date=plan.day, correlation_id=plan.correlation_id, act=act.id)
            RestartStore(self.platform.store, self.scope.control_uri).keep(restart)
        key = {"Correlation_Id": plan.correlation_id, "DataProduct": plan.product}
        self.platform.status_tables.delete(self._table(), key)

    def plan_start(self, restart: Restart) -> Starting:
        """Returns what starting a run would do; the id of its act is filled in later.

        Raises:
            ConfigurationError: the day is in the future, no collection has it, or a named collection does not exist.
            DataworksError: the run cannot be planned.
        """
        refuse_misfits([restart.correlation_id])
        if restart.date > (today := datetime.now(UTC).date()):
            raise ConfigurationError(f"{restart.date} is a day to come", remedy=f"Name one up to today, which is {today} (UTC)")
        names = with_day(self.scope, restart.date)
        if unknown := sorted(set(restart.collections) - names):
            raise ConfigurationError(
                f"no collection {unknown[0]!r} has {restart.date}", remedy=nearest(unknown[0], sorted(names)) or "Name others"
            )
        if not names:
            raise ConfigurationError(f"no collection has {restart.date}", remedy="See `exports.first_day` of the deployment")
        chosen = tuple(sorted(restart.collections or names))
        request = Request(chosen, (restart.date,), s3_prefix=restart.s3_prefix, force=restart.force)
        plan = Planner(self.platform, self.scope).plan(request)
        return Starting(restart, plan, is_told=self.scope.snapshot_type is SnapshotType.FULL)

    def start(self, plan: Starting, act: Act) -> None:
        """Asks the ledger's sensor for the run.

        Raises:
            StoreError: the act cannot be recorded, and is not done.
        """
        record_act(self.platform.store, self.scope.control_uri, act)
        restart = msgspec.structs.replace(plan.restart, act=act.id)
        RestartStore(self.platform.store, self.scope.control_uri).keep(restart)

    def plan_resend(self, day: date, correlation_id: str, kinds: Sequence[ErrandKind]) -> Resending:
        """Returns what telling downstream of a day again would do; the PDM trigger is sent at once, whatever its window.

        Raises:
            ConfigurationError: downstream is not told of such days, the day is not complete, or no topic is configured.
            CatalogError: the catalog cannot say what is published.
        """
        if self.scope.snapshot_type is not SnapshotType.FULL:
            raise ConfigurationError(
                f"downstream is told of fulls alone, and {self.scope.name} is none",
                remedy="Name a day of the full: `--type full`",
            )
        self._refuse_incomplete(day)
        said = correlation_id or str(self._row(day, "", if_none="Name the day's correlation id")["Correlation_Id"])
        refuse_misfits([said])
        request = Request((), (day,), correlation_id=said)
        now = datetime.now(UTC)
        entry = run_entry(self.scope, request, run_id="", has_message=False, now=now)
        book = ledger_book(self.platform, self.scope, self.platform.notifier)
        assert book.announcer is not None  # noqa: S101 - ADG's book has one
        errands = book.announcer.errands_of(entry, entry.days[0], now=now)
        missing = [kind.words for kind in kinds if book.announcer.runner.topics(kind) is None]
        if missing:
            raise ConfigurationError(
                f"no topic is configured for the {missing[0]}", remedy="Name it in `ledger` of the deployment"
            )
        return Resending(day, tuple(errand for errand in errands if errand.kind in kinds))

    def resend(self, plan: Resending, act: Act) -> None:
        """Sends the messages again.

        Raises:
            StoreError: the act cannot be recorded, and is not done.
            LedgerError: a message could not be sent.
        """
        record_act(self.platform.store, self.scope.control_uri, act)
        book = ledger_book(self.platform, self.scope, self.platform.notifier)
        assert book.announcer is not None  # noqa: S101 - ADG's book has one
        for errand in plan.errands:
            topic_arn = book.announcer.runner.topics(errand.kind)
            assert topic_arn is not None  # noqa: S101 - the plan was refused otherwise
            self.platform.messenger.send(topic_arn, errand.body)

    def _refuse_incomplete(self, day: date) -> None:
        names = configured(self.scope, day)
        truth = CatalogTruth(self.platform, self.scope, lambda _: names)
        published = truth.published([(name, day.isoformat()) for name in names])
        missing = sorted(name for name in names if (name, day.isoformat()) not in published)
        if missing or not names:
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            raise ConfigurationError(
                f"{day} is not complete: {', '.join(missing[:_NAMED]) or 'no collection has it'}{more}",
                remedy="Publish what is missing first; `dataworks status` shows it",
            )

    def _row(self, day: date, correlation_id: str, *, if_none: str) -> Attributes:
        product = self.scope.settings.deployment.ledger.adg.product(str(self.scope.snapshot_type))
        where = {"DataProduct": product, "Date": day.isoformat()}
        rows = self.platform.status_tables.rows(self._table(), where=where)
        ids = sorted(str(row["Correlation_Id"]) for row in rows)
        found = [row for row in rows if correlation_id in {"", row["Correlation_Id"]}]
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigurationError(f"{day} has {len(ids)} rows", remedy=f"Name a correlation id: {', '.join(ids)}")
        what = f"no row {correlation_id!r} of {product} {day}" if correlation_id else f"no row of {product} {day}"
        raise ConfigurationError(what, remedy=f"There is {', '.join(ids)}" if ids else if_none)

    def _table(self) -> str:
        name = self.scope.settings.deployment.ledger.status_table
        if name is None:
            raise LedgerError("no status table is configured", where="ledger.status_table", remedy="Name one in the deployment")
        return name
