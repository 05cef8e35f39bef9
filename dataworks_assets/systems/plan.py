"""The plan of a run: what it would read and do, and why, per collection and day. Pure; each system's `planner` makes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

from dataworks_assets.systems.scope import Scoped
from spark.contract import DataFile, Finding
from spark.publish.catalog import Pointer


class Decision(StrEnum):
    """What to do with one collection's day."""

    NEW = "new"
    CHANGED = "changed inputs"
    RECONFIGURED = "changed configuration"
    INCOMPLETE = "incomplete"
    """Only partly published, or some of its files are gone: it is done again."""
    FORCED = "forced"
    CHANGED_TAGS = "changed tags"
    """Published from the same inputs but with other tags: the objects are re-tagged without being read."""
    UNCHANGED = "unchanged"
    NOT_EXPORTED = "not exported"
    """Its input is not there."""
    EXPIRED = "expired"
    """Its input is gone and was never published: an operator has to acknowledge the loss."""
    GIVEN_UP = "given up"
    """An operator acknowledged that it will not come."""
    WAITS = "waits"
    """A day before it has to be published first."""
    HELD = "held"

    @property
    def needs_work(self) -> bool:
        """Whether a job has to read data."""
        return (
            self not in {Decision.CHANGED_TAGS, Decision.UNCHANGED, Decision.GIVEN_UP, Decision.HELD} and not self.is_impossible
        )

    @property
    def is_impossible(self) -> bool:
        """Whether a run that requests the day fails; the plan's findings say why."""
        return self in {Decision.NOT_EXPORTED, Decision.EXPIRED, Decision.WAITS}

    @property
    def is_published(self) -> bool:
        """Whether the catalog already shows the output of these inputs and this configuration."""
        return self in {Decision.CHANGED_TAGS, Decision.UNCHANGED}


@dataclass(frozen=True)
class Request:
    """What an operator, a sensor or a schedule asked for.

    Args:
        collections: names; if empty, all.
        days: export dates.
        correlation_id: of the export's message; `correlation_ids`, by ISO date, go before it where a run is of many messages.
        s3_prefix: the prefix that the message named, in place of the configured one; for one day only.
        force: do again what is published and unchanged.
        done_by: ids of runs that this one goes on with: what they published is not done again by force.
        confirm: accept a full in which a collection lost its rows.
        tells: whether downstream is told of a day that becomes complete; None: as the deployment says, for an export's
            message alone.
    """

    collections: tuple[str, ...]
    days: tuple[date, ...]
    correlation_id: str = ""
    correlation_ids: Mapping[str, str] = field(default_factory=dict)
    s3_prefix: str | None = None
    force: bool = False
    done_by: frozenset[str] = frozenset()
    confirm: bool = False
    tells: bool | None = None

    def correlation_id_of(self, day: date) -> str:
        """Returns the id of the message that asked for this day, empty where none did."""
        return self.correlation_ids.get(day.isoformat(), self.correlation_id)


@dataclass(frozen=True)
class PlannedDay:
    """One collection's day: its inputs, what is published of it, and what to do with it.

    `findings` say what is wrong with its input; if the decision is an impossible one, the first finding says why.
    """

    collection: Scoped
    day: date
    decision: Decision
    reason: str
    fingerprint: str = ""
    files: tuple[DataFile, ...] = ()
    findings: tuple[Finding, ...] = ()
    published: Pointer | None = None
    previous_rows: int | None = None
    previous_day: str = ""

    @property
    def input_bytes(self) -> int:
        """Encrypted bytes to be read."""
        return sum(file.source.size_bytes for file in self.files)


@dataclass(frozen=True)
class Plan:
    """Every requested day of every requested collection, oldest first."""

    request: Request
    days: tuple[PlannedDay, ...]
    unconfigured_topics: tuple[str, ...] = ()
    """Topics on S3 that no collection is configured for: reported and left alone."""
    foreign_objects: tuple[str, ...] = ()

    @property
    def work(self) -> tuple[PlannedDay, ...]:
        """The days that need a job."""
        return tuple(day for day in self.days if day.decision.needs_work)

    @property
    def published(self) -> tuple[PlannedDay, ...]:
        """The days that are already published as they should be."""
        return tuple(day for day in self.days if day.decision.is_published)

    def decided(self, decision: Decision) -> tuple[PlannedDay, ...]:
        """The days with one of these decisions."""
        return tuple(day for day in self.days if day.decision is decision)

    def left_alone(self, most: int) -> Iterator[str]:
        """Yields a line for each unconfigured topic and foreign object: at most `most` of each kind, then how many more."""
        for topic in self.unconfigured_topics[:most]:
            yield f"topic {topic} is exported but not configured: left alone"
        if (more := len(self.unconfigured_topics) - most) > 0:
            yield f"{more:,} more topics are exported but not configured: left alone"
        for uri in self.foreign_objects[:most]:
            yield f"{uri} is no data file of an export: left alone"
        if (more := len(self.foreign_objects) - most) > 0:
            yield f"{more:,} more objects are no data files of an export: left alone"


class Plans(Protocol):
    """What makes a system's plans."""

    def plan(self, request: Request) -> Plan:
        """Returns what a run of this request would do."""
