"""The order of days for tables that follow their source's schema: a new day waits for earlier, unpublished ones.

It waits whether the earlier day is requested by the same run but cannot be published, or is not requested at all. Days that
an operator gave up, or that lie before the history's first day, are not waited for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from dataworks_assets.systems.kickstart.acknowledged import CollectionDay
from dataworks_assets.systems.kickstart.days import done_days, first_gap
from dataworks_assets.systems.kickstart.scope import KickstartScope, ScopedPartner
from dataworks_assets.systems.leasing import held_elsewhere
from dataworks_assets.systems.plan import Decision, PlannedDay
from dataworks_assets.systems.platform import Platform
from spark.contract import Finding
from spark.publish.intent import out_of_order
from spark.publish.lease import LeaseKey


@dataclass(frozen=True)
class Gap:
    """An earlier day of a collection that is neither published nor given up, and not requested.

    Args:
        day: the first such day.
        is_others: whether another run is working on it now.
        is_first: whether nothing of the collection was ever done.
    """

    day: date
    is_others: bool = False
    is_first: bool = False


def find_gaps(
    platform: Platform,
    scope: KickstartScope,
    planned: Mapping[str, Sequence[PlannedDay]],
    *,
    given_up: Collection[CollectionDay],
    today: date,
) -> dict[str, Gap]:
    """Returns the first gap of each collection that has one, among those whose new days have to be published in order.

    Args:
        platform: the deployment's clients.
        scope: the partner's collections.
        planned: a run's days by collection.
        given_up: the operators' acknowledgements.
        today: the current date, UTC.

    Raises:
        StoreError, CatalogError: store or catalog cannot be read; this is never taken for "nothing is there".
    """
    wanted = [scope.collections[name] for name, days in planned.items() if any(map(_follows, days))]
    if not wanted:
        return {}
    done = done_days(platform, scope, wanted, today=today, given_up=given_up)
    gaps: dict[str, Gap] = {}
    for scoped in wanted:
        new = [each.day for each in planned[scoped.name] if _follows(each)]
        asked = {each.day for each in planned[scoped.name]}
        first = first_gap(scope, scoped, done[scoped.name], asked=asked, today=today)
        if first is not None and first < max(new):
            gaps[scoped.name] = Gap(first, is_first=not done[scoped.name])
    keys = {name: _key(scope, scope.collections[name], gap.day) for name, gap in gaps.items()}
    others = held_elsewhere(platform, scope.control_uri, keys.values())
    return {name: replace(gap, is_others=keys[name] in others) for name, gap in gaps.items()}


def in_order(days: Iterable[PlannedDay], gap: Gap | None) -> Iterator[PlannedDay]:
    """Lets the new days of a collection wait behind its gap, and behind a day of the run that cannot be had."""
    before: date | None = None
    for planned in days:
        if not _follows(planned):
            yield planned
        elif before is not None and (gap is None or before < gap.day):
            yield _waiting(planned, before, _mend(planned.collection.name, before))
        elif gap is not None and gap.day < planned.day:
            yield _behind(planned, gap)
        else:
            yield planned
        if planned.decision.is_impossible and before is None:
            before = planned.day


def _follows(planned: PlannedDay) -> bool:
    return planned.decision is Decision.NEW and planned.collection.job.is_in_order


def _key(scope: KickstartScope, scoped: ScopedPartner, day: date) -> LeaseKey:
    return LeaseKey(scope.system, scoped.name, scope.snapshot_type, day.isoformat())


def _behind(planned: PlannedDay, gap: Gap) -> PlannedDay:
    name, day = planned.collection.name, gap.day
    if gap.is_others:
        finding = Finding(
            check="lease",
            passed=False,
            place=str(day),
            cause=f"another run has {day}, and the schema follows the days in their order",
            remedy="Run again when that run has ended, or its leases have run out",
            transient=True,
        )
        return replace(planned, decision=Decision.WAITS, reason=f"behind {day}, which another run has", findings=(finding,))
    module = name.partition("/")[0]
    publish = f"Publish {day} first: dataworks kickstart run --module {module} --start {day}"
    begin = "; or configure `first_day`, where its history begins later" if gap.is_first else ""
    return _waiting(planned, day, f"{publish}; or give it up: {_give_up(name, day)}{begin}")


def _mend(name: str, before: date) -> str:
    return f"Mend {before} first, or give it up ({_give_up(name, before)}): this day follows with the next run"


def _give_up(name: str, day: date) -> str:
    return f"dataworks kickstart acknowledge {name} --day {day} --reason ..."


def _waiting(planned: PlannedDay, before: date, remedy: str) -> PlannedDay:
    finding = Finding(check="order", passed=False, place=str(before), cause=out_of_order(before), remedy=remedy)
    return PlannedDay(planned.collection, planned.day, Decision.WAITS, f"behind {before}", findings=(finding,))
