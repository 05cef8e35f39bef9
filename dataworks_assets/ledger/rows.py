"""Changes of rows in the status tables, which may be applied twice and late: pure values; `dynamo` applies them.

A day's row belongs to the start of a run that wrote it last, identified by its `TimeToExist`: of two starts, the one whose row
expires sooner is the older. So a late or repeated change of a start that was followed by another changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dataworks_assets.config.ledger import LedgerConfig, ProductConfig
from dataworks_assets.ledger.entries import DayEntry, RunEntry

Value = str | int


class Step(StrEnum):
    """What a run is doing, as in `CurrentStep` of its rows."""

    SUBMIT = "submit-job"
    NOTIFY = "send_notification"
    FLUSH = "flush-pushgateway"


class CollectionStatus(StrEnum):
    """The status of a collection's day."""

    PROCESSING = "Processing"
    PUBLISHING = "Publishing"
    COMPLETED = "Completed"
    FAILED_PROCESSING = "Failed_Processing"
    FAILED_PUBLISHING = "Failed_Publishing"


class DayStatus(StrEnum):
    """The status of a day; each product has its own words for it."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True)
class Guard:
    """Allows a change if the row lacks this number, or it is below `most` (or equal to it, with `or_equal`)."""

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
        defaults: attributes that get a value if the row has none.
        counted: attribute that is incremented by one.
        guard: condition for the change; if it does not hold, the change is skipped.
        phase: a change replaces a pending change of the same row and phase.
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
    """Creates the changes of one system's rows; none for a table that is not configured."""

    config: LedgerConfig
    product: ProductConfig

    def started(self, entry: RunEntry, day: DayEntry) -> list[RowChange]:
        """A run starts on a day: the row is made, and its `Run_Id` is incremented.

        If only some of the day's collections were requested, the row keeps its values. It names the cluster that last worked
        on the day, because a run that finds everything published has none.
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
        """The run reaches another step."""
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
        """The run has ended; with None the row keeps its status."""
        return [] if status is None else self._changed(entry, day, {"Status": self._word(status)}, phase="ended")

    def collection(self, day: DayEntry, name: str, status: CollectionStatus) -> list[RowChange]:
        """A collection's day reached a status; `name` is the collection's name for the table's readers."""
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
        """Changes a started row; if it has been deleted since, as by an operator who clears it, it is recreated completely."""
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
