"""Which collections the sample has, and which documents of each a day holds. Deterministic: the seed and the day decide.

A generated document changes once a week: a day's full holds every document as it was last changed, its incremental those
that changed on the day. Topics are those of `config/collections`, one more that nobody configures, and never
`db.core.emptyThings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b
from random import Random

from dataworks_assets.stack.sample import benefits, flights
from dataworks_assets.stack.sample.benefits import Document, epoch_ms, millisecond_of_day, moment
from dataworks_assets.stack.sample.wire import Record, make_record

FULL = "full"
INCREMENTAL = "incremental"
BOTH = (FULL, INCREMENTAL)
UNLISTED = "db.unlisted.thing"
"""A topic that no configuration has."""

_WEEK = 7
_KEPT_RECORDS = 65_536
_FIRST_MONTHS = 6
_FLIGHT_SHARE = 20

Records = Callable[["Scope"], Iterator[Record]]


@dataclass(frozen=True)
class Scope:
    """What a plan makes records for: a day, a snapshot type, how much, and the seed."""

    day: date
    snapshot_type: str
    scale: float = 1.0
    seed: int = 1


@dataclass(frozen=True)
class CollectionPlan:
    """One collection of the sample.

    Attributes:
        topic: as object names have it.
        records: makes its records of a day.
        snapshot_types: in which exports it is.
        slices: into how many slices of its key space it is cut.
        sums: fields (paths) whose sum over a day is part of the truth.
        has_ids: whether its documents have an id.
    """

    topic: str
    records: Records
    snapshot_types: tuple[str, ...] = BOTH
    slices: int = 1
    sums: tuple[tuple[str, ...], ...] = ()
    has_ids: bool = True


@dataclass(frozen=True)
class Generated:
    """Documents out of a maker. `id_field` None: a scalar id; else the one key of an object."""

    topic: str
    count: int
    make: Callable[[Random, date], Document]
    id_field: str | None = None

    def __call__(self, scope: Scope) -> Iterator[Record]:
        """Yields a day's records."""
        for index in range(max(1, round(self.count * scope.scale))):
            age = (scope.day.toordinal() - index) % _WEEK
            if scope.snapshot_type == FULL or age == 0:
                yield _generate(self, index, scope.day - timedelta(days=age), scope.seed)


@lru_cache(maxsize=_KEPT_RECORDS)
def _generate(kind: Generated, index: int, changed: date, seed: int) -> Record:
    """Returns a document as it was changed on a day; kept, since most are the same on the next day."""
    identifier = blake2b(f"{seed} {kind.topic} {index}".encode(), digest_size=12).hexdigest()
    random = Random(int(identifier, 16) + changed.toordinal())  # noqa: S311 - nothing here is secret
    millisecond = millisecond_of_day(random)
    created = changed - timedelta(days=random.randrange(1, _FIRST_MONTHS * 30))
    document = {
        "_id": {kind.id_field: identifier} if kind.id_field else identifier,
        "createdDateTime": moment(created, millisecond),
        "_lastModifiedDateTime": moment(changed, millisecond),
        **kind.make(random, changed),
    }
    return make_record(document, timestamp_ms=epoch_ms(changed, millisecond), id_holder=document)


@dataclass(frozen=True)
class Audited:
    """Flattened audit contexts: without an id, a day's own."""

    count: int

    def __call__(self, scope: Scope) -> Iterator[Record]:
        """Yields a day's records."""
        random = Random(f"{scope.seed} audit {scope.day}")  # noqa: S311 - nothing here is secret
        for _ in range(max(1, round(self.count * scope.scale))):
            document = benefits.audit_context(random, scope.day)
            timestamp_ms = int(document["TIME_STAMP_ORIG"])
            yield make_record(document, timestamp_ms=timestamp_ms, id_holder=None, row_key=document["AUDIT_ID"])


@dataclass(frozen=True)
class Answered:
    """Answers to the equality questions, wrapped in `message`; a day's own."""

    count: int

    def __call__(self, scope: Scope) -> Iterator[Record]:
        """Yields a day's records."""
        random = Random(f"{scope.seed} equality {scope.day}")  # noqa: S311 - nothing here is secret
        for _ in range(max(1, round(self.count * scope.scale))):
            inner = {"_id": {"messageId": f"{random.getrandbits(128):032x}"}, **benefits.equality_answers(random, scope.day)}
            millisecond = millisecond_of_day(random)
            inner["_lastModifiedDateTime"] = moment(scope.day, millisecond)
            yield make_record({"message": inner}, timestamp_ms=epoch_ms(scope.day, millisecond), id_holder=inner)


@dataclass(frozen=True)
class Tabled:
    """Rows of a public table. The large tables give a day those of its day of the month, or more days with the scale."""

    table: str
    make: Callable[[flights.Row], Document]

    def __call__(self, scope: Scope) -> Iterator[Record]:
        """Yields a day's records; an incremental has every twentieth."""
        days = tuple((scope.day.day - 1 + more) % 31 + 1 for more in range(min(31, max(1, round(scope.scale)))))
        stamp = epoch_ms(scope.day, 7_200_000)
        for number, row in enumerate(flights.rows(self.table, days_of_month=days)):
            if scope.snapshot_type == FULL or number % _FLIGHT_SHARE == 0:
                document = self.make(row) | {"_lastModifiedDateTime": moment(scope.day, 7_200_000)}
                yield make_record(document, timestamp_ms=stamp, id_holder=document)


def _generated(
    topic: str, count: int, make: Callable[[Random, date], Document], *, id_field: str | None = None, slices: int = 1
) -> CollectionPlan:
    return CollectionPlan(topic, Generated(topic, count, make, id_field), slices=slices)


PLANS: tuple[CollectionPlan, ...] = (
    _generated("db.core.statement", 12_000, benefits.statement, slices=4),
    CollectionPlan(
        "db.core.contract",
        Generated("db.core.contract", 6_000, benefits.contract, "contractId"),
        slices=2,
        sums=(("amounts", "deductionsCount"),),
    ),
    _generated("db.core.toDo", 8_000, benefits.to_do, slices=2),
    _generated("db.penalties-and-deductions.sanction", 3_000, benefits.sanction),
    _generated("db.accepted-data.personDetails-address", 4_000, benefits.person_address, id_field="citizenId"),
    _generated("db.agent-core.agentToDo", 4_000, benefits.agent_to_do),
    _generated("db.quartz.claimantEvent", 6_000, benefits.claimant_event, slices=2),
    CollectionPlan("db.transport.flights", Tabled("flights", flights.flight), slices=4, sums=(("distance",),)),
    CollectionPlan("db.transport.airports", Tabled("airports", flights.airport)),
    CollectionPlan("db.transport.planes", Tabled("planes", flights.plane)),
    CollectionPlan("db.transport.weather", Tabled("weather", flights.weather)),
    CollectionPlan("db.transport.airlines", Tabled("airlines", flights.airline), snapshot_types=(FULL,)),
    CollectionPlan("data.businessAudit", Audited(3_000), snapshot_types=(INCREMENTAL,), slices=2, has_ids=False),
    CollectionPlan("data.equality", Answered(1_500), snapshot_types=(INCREMENTAL,)),
    _generated(UNLISTED, 50, benefits.thing),
)
"""Every collection that is well, in the order in which they are written."""
