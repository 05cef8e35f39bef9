"""Rows of the status tables, as changes that may be made twice and late: pure values; `dynamo` makes them.

A row of a day belongs to the start that wrote it last, which its `TimeToExist` tells: a start is older than another when its
row expires sooner. So a change that comes late, or comes again, of a start that another has followed, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dataworks_assets.config.ledger import LedgerConfig, ProductConfig
from dataworks_assets.ledger.entries import DayEntry, RunEntry

Value = str | int


class Step(StrEnum):
    """What a run is doing, as `CurrentStep` of its rows says it."""

    SUBMIT = "submit-job"
    NOTIFY = "send_notification"
    FLUSH = "flush-pushgateway"


class CollectionStatus(StrEnum):
    """How far a collection's day is."""

    PROCESSING = "Processing"
    PUBLISHING = "Publishing"
    COMPLETED = "Completed"
    FAILED_PROCESSING = "Failed_Processing"
    FAILED_PUBLISHING = "Failed_Publishing"


class DayStatus(StrEnum):
    """How far a day is; a product has its own words for it."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True)
class Guard:
    """Lets a change through where the row has no such number yet, or one below `most` (at most `most`, where `or_equal`)."""

    attribute: str
    most: int
    or_equal: bool


@dataclass(frozen=True)
class RowChange:
    """One change of one row.

    Args:
        table: the table's name.
        key: attributes and values of the row's key.
        sets: attributes that get a value.
        defaults: attributes that get a value where the row has none.
        counted: attribute that counts up by one.
        guard: when the change is passed over.
        phase: of one row a change replaces one of the same phase that was not made yet.
    """

    table: str
    key: Mapping[str, str]
    sets: Mapping[str, Value]
    defaults: Mapping[str, Value] = field(default_factory=dict)
    counted: str | None = None
    guard: Guard | None = None
    phase: str = ""

    @property
    def row(self) -> tuple[str, ...]:
        """Names the row."""
        return (self.table, *self.key.values())

    def __str__(self) -> str:
        return f"{self.table} {' '.join(self.key.values())}"


@dataclass(frozen=True)
class Rows:
    """Makes the changes of one system's rows; none for a table that is not configured."""

    config: LedgerConfig
    product: ProductConfig

    def started(self, entry: RunEntry, day: DayEntry) -> list[RowChange]:
        """A run starts on a day: the row is made, its `Run_Id` counts up.

        Of a day of which only some collections were asked for, the row keeps what it says. It names the cluster that worked
        on the day until another one does: a run that finds everything published has none.
        """
        running = self._word(DayStatus.RUNNING)
        sets = {**self._facts(entry, day), "CurrentStep": Step.SUBMIT.value}
        return self._day(
            entry,
            day,
            sets | ({"Status": running} if day.is_whole else {}),
            defaults={"Cluster_Id": entry.cluster_id} | ({} if day.is_whole else {"Status": running}),
            counted="Run_Id",
            guard=Guard("TimeToExist", entry.expires_epoch, or_equal=False),
            phase="started",
        )

    def moved_on(self, entry: RunEntry, day: DayEntry, step: Step) -> list[RowChange]:
        """The run comes to another step."""
        return self._changed(entry, day, {"CurrentStep": step.value}, phase="step")

    def placed(self, entry: RunEntry) -> list[RowChange]:
        """It is known where the run works (cluster, or the run itself), on its days that it has work for.

        Before it is planned, as where it goes on with what an earlier try began, a cluster works on all of them.
        """
        is_placed = entry.work is None and entry.cluster_id != entry.run_id
        days = [day for day in entry.days if is_placed or day.date in (entry.work or ())]
        sets = {"Cluster_Id": entry.cluster_id}
        return [change for day in days for change in self._changed(entry, day, sets, phase="cluster")]

    def ended(self, entry: RunEntry, day: DayEntry, status: DayStatus | None) -> list[RowChange]:
        """The run has ended; None: the row keeps what it says."""
        return [] if status is None else self._changed(entry, day, {"Status": self._word(status)}, phase="ended")

    def collection(self, day: DayEntry, name: str, status: CollectionStatus) -> list[RowChange]:
        """A collection's day came to a status; `name` is the collection's as the table's readers know it."""
        if self.config.collection_table is None:
            return []
        key = {"CorrelationId": day.correlation_id, "CollectionName": name}
        return [RowChange(self.config.collection_table, key, {self.product.collection_status: status.value})]

    def _facts(self, entry: RunEntry, day: DayEntry) -> dict[str, Value]:
        return {
            "Date": day.date,
            "S3_Prefix_Snapshots": day.source_prefix,
            "S3_Prefix_Analytical_DataSet": day.output_prefix,
            "Snapshot_Type": entry.kind,
            "TimeToExist": entry.expires_epoch,
        }

    def _changed(self, entry: RunEntry, day: DayEntry, sets: Mapping[str, Value], *, phase: str) -> list[RowChange]:
        """Changes a row that was started; one that is gone meanwhile, as an operator clears it, is made whole again."""
        whole = {
            **self._facts(entry, day),
            "Status": self._word(DayStatus.RUNNING),
            "CurrentStep": Step.SUBMIT.value,
            "Cluster_Id": entry.cluster_id,
            "Run_Id": 1,
        }
        return self._day(
            entry,
            day,
            sets,
            defaults={name: value for name, value in whole.items() if name not in sets},
            guard=Guard("TimeToExist", entry.expires_epoch, or_equal=True),
            phase=phase,
        )

    def _day(
        self,
        entry: RunEntry,
        day: DayEntry,
        sets: Mapping[str, Value],
        *,
        guard: Guard,
        phase: str,
        defaults: Mapping[str, Value] | None = None,
        counted: str | None = None,
    ) -> list[RowChange]:
        if self.config.status_table is None:
            return []
        key = {"Correlation_Id": day.correlation_id, "DataProduct": entry.product}
        return [RowChange(self.config.status_table, key, sets, defaults or {}, counted, guard, phase)]

    def _word(self, status: DayStatus) -> str:
        words = self.product.statuses
        return {
            DayStatus.RUNNING: words.running,
            DayStatus.COMPLETED: words.completed,
            DayStatus.FAILED: words.failed,
        }[status]
