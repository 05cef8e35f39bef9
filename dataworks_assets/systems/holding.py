"""Holding the days of a plan while they are worked on: leases are taken, checked against the plan, and released."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from math import ceil
from time import sleep

from dataworks_assets.systems.leasing import held_leases
from dataworks_assets.systems.plan import PlannedDay
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.scope import Scope
from spark.errors import LeaseError
from spark.publish.catalog import Pointer
from spark.publish.lease import Lease, LeaseKeeper, LeaseKey
from spark.publish.state import published_state

_PATIENCE_LIVES = 1.5
"""How long to wait for leases to expire, in lease lifetimes: one lifetime, plus what clocks may differ by."""
_WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class Held:
    """Each day with its lease, or with the reason why it must not be worked on; `keeper` owns the leases."""

    keeper: LeaseKeeper
    days: tuple[tuple[PlannedDay, Lease | LeaseError], ...]


@contextmanager
def held(
    platform: Platform, scope: Scope, days: Sequence[PlannedDay], *, owner: str, is_patient: bool = False
) -> Iterator[Held]:
    """Holds planned days while the block runs.

    Args:
        platform: the deployment's clients.
        scope: the days' snapshot type.
        days: the days to hold.
        owner: of the leases.
        is_patient: whether to wait for the leases of a dead run to expire.

    Raises:
        StoreError, CatalogError: the leases, or what is published, cannot be read.
    """
    keys = [LeaseKey(scope.system, each.collection.name, scope.snapshot_type, each.day.isoformat()) for each in days]
    with held_leases(platform, scope.control_uri, owner=owner) as keeper:
        taken: list[Lease] = []
        try:
            found: dict[LeaseKey, Lease | LeaseError] = {}
            for _ in _tries(platform, is_patient=is_patient):
                found |= keeper.acquire_many([key for key in keys if not isinstance(found.get(key), Lease)])
                taken[:] = [lease for lease in found.values() if isinstance(lease, Lease)]
                if len(taken) == len(keys):
                    break
            pairs = zip(days, keys, strict=True)
            as_planned = [(planned, _as_planned(platform, planned, found[key])) for planned, key in pairs]
            yield Held(keeper, tuple(_in_order(as_planned)))
        finally:
            keeper.release_many(taken)


def _tries(platform: Platform, *, is_patient: bool) -> Iterator[None]:
    """Yields once, or repeatedly until every lease that nobody renews must have expired."""
    yield
    if is_patient:
        patience_seconds = _PATIENCE_LIVES * platform.settings.deployment.output.lease_ttl_seconds
        for _ in range(ceil(patience_seconds / _WAIT_SECONDS)):
            sleep(_WAIT_SECONDS)
            yield


def _as_planned(platform: Platform, planned: PlannedDay, lease: Lease | LeaseError) -> Lease | LeaseError:
    """Refuses a day that another run published after this run's plan and before its lease: those inputs may be newer.

    The lease records what its last holder was about to publish; the catalog is asked only if that differs from the plan.
    """
    if isinstance(lease, LeaseError):
        return lease
    marked = lease.pointers[0].pointer if lease.pointers else planned.published
    if _same(marked, planned.published):
        return lease
    day = planned.day.isoformat()
    if _same(published_state(platform.catalog, planned.collection.job, [day])[day], planned.published):
        return lease
    return LeaseError(
        "another run published the day after this one had planned it",
        where=lease.uri,
        remedy="Run again: the new plan sees what is published now",
    )


def _in_order(days: Iterable[tuple[PlannedDay, Lease | LeaseError]]) -> Iterator[tuple[PlannedDay, Lease | LeaseError]]:
    """Refuses days after one that another run holds, for tables whose schema follows their source day by day."""
    others: dict[str, date] = {}
    for planned, lease in days:
        name = planned.collection.name
        if isinstance(lease, LeaseError):
            if planned.collection.job.is_in_order:
                others.setdefault(name, planned.day)
            yield planned, lease
        elif name in others and planned.decision.needs_work:
            yield planned, _behind(others[name])
        else:
            yield planned, lease


def _behind(before: date) -> LeaseError:
    return LeaseError(
        f"another run has {before}, and the schema follows the days in their order",
        remedy="Run again when that run has ended, or its leases have run out",
    )


def _same(one: Pointer | None, other: Pointer | None) -> bool:
    return (one and one.location.rstrip("/")) == (other and other.location.rstrip("/"))
