"""Metrics of runs, pushed to a Prometheus Pushgateway: each day's status, what a run read and wrote, the newest days' age.

Each day's status is its own group, so that a run that redoes the day replaces what an earlier one pushed. A mark in the
object store says which start a group belongs to and when to delete it: after its last scrape, even if the run died.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from dataworks_assets.config.ledger import MetricsConfig, ProductConfig
from dataworks_assets.ledger.entries import DayEntry, Outcome, RunEntry, Tally
from dataworks_assets.ledger.judging import DayEnd
from spark.contract import Document, decode, encode
from spark.errors import ConfigurationError, LedgerError
from spark.store import ObjectStore

RUNNING, COMPLETED, FAILED, CANCELLED = 1, 2, 3, 4
"""Values of the status metric."""
_TALLIED = {
    "rows": "Rows published",
    "input_bytes": "Encrypted bytes read",
    "output_bytes": "Bytes of Parquet written",
    "seconds": "Task seconds spent, all tasks added",
    "quarantined_rows": "Lines that could not be decoded",
}


Samples = Mapping[tuple[str, ...], float]
"""Metric values by label values."""


@dataclass(frozen=True)
class Family:
    """One metric with its samples by labels."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples: Samples


class Gateway(Protocol):
    """The gateway that groups of metrics are pushed to."""

    def push(self, job: str, instance: str, families: Sequence[Family]) -> None:
        """Replaces a group's metrics.

        Raises:
            LedgerError: they were not accepted.
        """

    def delete(self, job: str, instance: str) -> None:
        """Deletes a group; a missing group is no error.

        Raises:
            LedgerError: the gateway does not answer.
        """


@dataclass(frozen=True)
class PushGateway:
    """A Prometheus Pushgateway.

    Args:
        address: returns its address; called when something is pushed.
        timeout_seconds: of one call.
    """

    address: Callable[[], str]
    timeout_seconds: float

    def push(self, job: str, instance: str, families: Sequence[Family]) -> None:
        """Pushes a group."""
        from prometheus_client import CollectorRegistry, Gauge, push_to_gateway

        registry = CollectorRegistry()
        for family in families:
            gauge = Gauge(family.name, family.help, family.labels, registry=registry)
            for labels, value in family.samples.items():
                gauge.labels(*labels).set(value)
        self._call(push_to_gateway, job, instance, registry=registry)

    def delete(self, job: str, instance: str) -> None:
        """Deletes a group."""
        from prometheus_client import delete_from_gateway

        self._call(delete_from_gateway, job, instance)

    def _call(self, call: Callable[..., None], job: str, instance: str, **more: object) -> None:
        address = self.address()
        try:
            call(address, job=job, grouping_key={"instance": instance}, timeout=self.timeout_seconds, **more)
        except OSError as error:
            raise LedgerError(
                f"the Pushgateway did not take it: {error}",
                where=address,
                remedy="See that it runs and that `ledger.metrics.pushgateway` is its address",
            ) from error


class GroupMark(Document, frozen=True):
    """The start that a pushed group belongs to, by `expires_epoch`, and when to delete it; None while its run goes on."""

    job: str
    instance: str
    expires_epoch: int
    delete_after_utc: datetime | None = None


@dataclass(frozen=True)
class Metrics:
    """Pushes the metrics of one system.

    Args:
        config: says when groups are deleted.
        product: the system's names.
        gateway: receives the metrics.
        store: holds the marks.
        control_uri: the deployment's control prefix.
    """

    config: MetricsConfig
    product: ProductConfig
    gateway: Gateway
    store: ObjectStore
    control_uri: str

    def started(self, entry: RunEntry) -> None:
        """Pushes that the days of a run are running.

        Raises:
            StoreError, LedgerError: it cannot be pushed.
        """
        for day in self._own(entry):
            instance = _instance(entry, day)
            self._keep(entry, GroupMark(job=self.product.metric, instance=instance, expires_epoch=entry.expires_epoch))
            self.gateway.push(self.product.metric, instance, [self._status(entry, day, RUNNING)])

    def ended(self, entry: RunEntry, ends: Sequence[DayEnd], *, now: datetime) -> None:
        """Pushes how the days of a run ended and what it did; marks the groups to be deleted after the last scrape.

        Raises:
            StoreError, LedgerError: it cannot be pushed.
        """
        own = {day.date for day in self._own(entry)}
        delete_after = now + timedelta(seconds=self.config.delete_after_seconds)
        for end in ends:
            if end.day.date in own:
                self._push(entry, _instance(entry, end.day), [self._status(entry, end.day, _value(entry, end))], delete_after)
        if entry.tallies:
            self._push(entry, entry.name, self._tallied(entry), delete_after)

    def newest(self, system: str, kind: str, ages_seconds: Mapping[str, float]) -> None:
        """Pushes the age of each collection's newest day; that group stays.

        Raises:
            LedgerError: it cannot be pushed.
        """
        samples: Samples = {(kind, name, self.product.component): age for name, age in ages_seconds.items()}
        labels = ("snapshot_type", "collection", "component")
        text = "Seconds since the newest published day began (UTC)"
        family = Family(f"{self.product.metric}_newest_partition_age_seconds", text, labels, samples)
        self.gateway.push(self.product.metric, f"newest-{system}", [family])

    def sweep(self, system: str, *, now: datetime) -> int:
        """Deletes the groups whose last scrape is over; returns how many.

        Raises:
            StoreError, LedgerError: they cannot be read, or deleted.
        """
        deleted = 0
        for uri, mark in self._marks(system):
            if mark.delete_after_utc is not None and mark.delete_after_utc <= now:
                self.gateway.delete(mark.job, mark.instance)
                self.store.delete([uri])
                deleted += 1
        return deleted

    def _push(self, entry: RunEntry, instance: str, families: Sequence[Family], delete_after: datetime) -> None:
        """Pushes a group that no later push follows: marked first, so that it is deleted even after a crash."""
        mark = GroupMark(
            job=self.product.metric, instance=instance, expires_epoch=entry.expires_epoch, delete_after_utc=delete_after
        )
        self._keep(entry, mark)
        self.gateway.push(self.product.metric, instance, families)

    def _own(self, entry: RunEntry) -> list[DayEntry]:
        """Returns the days of a run that no later start has taken over."""
        uris = [self._uri(entry.system, _instance(entry, day)) for day in entry.days]
        bodies = self.store.read_many(uris)
        return [
            day
            for day, uri, body in zip(entry.days, uris, bodies, strict=True)
            if body is None or _epoch(body, uri) <= entry.expires_epoch
        ]

    def _keep(self, entry: RunEntry, mark: GroupMark) -> None:
        self.store.put(self._uri(entry.system, mark.instance), encode(mark))

    def _marks(self, system: str) -> Iterable[tuple[str, GroupMark]]:
        uris = [listed.uri for listed in self.store.list(f"{self.control_uri}/ledger/pushed/{system}")]
        for uri, body in zip(uris, self.store.read_many(uris), strict=True):
            if body is not None:
                yield uri, decode(body, GroupMark, where=uri)

    def _uri(self, system: str, instance: str) -> str:
        return f"{self.control_uri}/ledger/pushed/{system}/{instance}.json"

    def _status(self, entry: RunEntry, day: DayEntry, value: int) -> Family:
        labels = ("snapshot_type", "export_date", "cluster_id", "component", "correlation_id")
        sample = (entry.kind, day.date, entry.cluster_id, self.product.component, day.correlation_id)
        text = "1 running, 2 completed, 3 failed, 4 cancelled"
        return Family(f"{self.product.metric}_status", text, labels, {sample: value})

    def _tallied(self, entry: RunEntry) -> list[Family]:
        """What a run did, in total and per collection, summed over its days."""
        families: list[Family] = []
        for field, text in _TALLIED.items():
            each = {name: float(getattr(tally, field)) for name, tally in entry.tallies.items()}
            whole: Samples = {(entry.kind, self.product.component): float(sum(each.values()))}
            families.append(
                Family(f"{self.product.metric}_{field}", f"{text}, by a run", ("snapshot_type", "component"), whole)
            )
            parts: Samples = {(entry.kind, name, self.product.component): value for name, value in each.items()}
            labels = ("snapshot_type", "collection", "component")
            families.append(
                Family(f"{self.product.metric}_collection_{field}", f"{text}, by a run of a collection", labels, parts)
            )
        return families


def age_seconds(newest: date, *, now: datetime) -> float:
    """Returns how long ago a day began (UTC)."""
    return (now - datetime(newest.year, newest.month, newest.day, tzinfo=now.tzinfo)).total_seconds()


def added(tally: Tally | None, more: Tally) -> Tally:
    """Returns the sum of what was tallied."""
    if tally is None:
        return more
    return Tally(**{name: getattr(tally, name) + getattr(more, name) for name in Tally.__struct_fields__})


def _instance(entry: RunEntry, day: DayEntry) -> str:
    return f"{entry.system}-{day.date}"


def _value(entry: RunEntry, end: DayEnd) -> int:
    if not end.failing:
        return COMPLETED
    return CANCELLED if entry.outcome is Outcome.CANCELLED else FAILED


def _epoch(body: bytes, uri: str) -> int:
    """Returns the start that a mark belongs to; none if it cannot be decoded, as one of another release."""
    try:
        return decode(body, GroupMark, where=uri).expires_epoch
    except ConfigurationError:
        return 0
