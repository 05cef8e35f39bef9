"""CLEAN_UP_FLG: forgetting a module's history, after showing which of it can be rebuilt from the source.

Partitions are dropped from the tables, columns stay; files are left to the garbage collection. Held collections are not
touched. Days that are lost for good have to be confirmed and are then given up, so that no later day waits for them. The
other days are open again until a run has rebuilt them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dataworks_assets.systems.holding import held
from dataworks_assets.systems.kickstart.acknowledged import acknowledge
from dataworks_assets.systems.kickstart.forgotten import remember_forgotten
from dataworks_assets.systems.kickstart.planner import KickstartPlanner
from dataworks_assets.systems.kickstart.scope import KickstartScope, ScopedPartner
from dataworks_assets.systems.leasing import owner_name
from dataworks_assets.systems.plan import Decision, PlannedDay, Request
from dataworks_assets.systems.platform import Platform
from spark.errors import ConfigurationError, LeaseError
from spark.publish.state import published_dates
from spark.publish.tables import quarantine_name

_MOST_NAMED = 10


@dataclass(frozen=True)
class History:
    """The published days of some collections: those whose source still exists, and those that would be lost.

    `held` are the collections that are left alone, because a hold forbids publishing them again.
    """

    rebuildable: tuple[PlannedDay, ...]
    lost: tuple[PlannedDay, ...]
    held: tuple[str, ...] = ()

    def text(self) -> str:
        """The text that is logged before anything is forgotten."""
        days = [f"{each.collection.name} {each.day}" for each in self.lost]
        more = f" and {len(days) - _MOST_NAMED} more" if len(days) > _MOST_NAMED else ""
        kept = f"{len(self.rebuildable)} published days can be rebuilt from the source"
        said = f"{kept}, {len(days)} cannot: {', '.join(days[:_MOST_NAMED])}{more}" if days else f"{kept}, all of them"
        return f"{said}; held, and left as it is: {', '.join(self.held)}" if self.held else said


def look_at_history(platform: Platform, planner: KickstartPlanner, collections: Sequence[ScopedPartner]) -> History:
    """Returns what forgetting these collections would mean."""
    days = sorted({date.fromisoformat(text) for each in collections for text in published_dates(platform.catalog, each.job)})
    if not days:
        return History((), ())
    plan = planner.plan(Request(tuple(each.name for each in collections), tuple(days)))
    there = [each for each in plan.days if each.published is not None and each.decision is not Decision.HELD]
    return History(
        rebuildable=tuple(each for each in there if each.files),
        lost=tuple(each for each in there if not each.files),
        held=tuple(sorted({each.collection.name for each in plan.decided(Decision.HELD)})),
    )


def forget(platform: Platform, scope: KickstartScope, history: History, *, run_id: str, confirmed: bool) -> int:
    """Drops the history from the tables and returns the number of days.

    Raises:
        ConfigurationError: part of it cannot be rebuilt, and nobody confirmed that.
        LeaseError: another run holds one of the days; nothing was forgotten.
    """
    if history.lost and not confirmed:
        raise ConfigurationError(
            f"CLEAN_UP_FLG would lose data: {history.text()}",
            where=scope.name,
            remedy="Run with `confirm: true` (`--confirm`) to lose them, or without CLEAN_UP_FLG",
        )
    days = (*history.rebuildable, *history.lost)
    if not days:
        return 0
    with held(platform, scope, days, owner=owner_name(run_id)) as taken:
        for _, lease in taken.days:
            if isinstance(lease, LeaseError):
                raise lease
        lost = [(each.collection.name, each.day) for each in history.lost]
        acknowledge(platform.store, scope, lost, reason="forgotten by CLEAN_UP_FLG, its source was gone", by=f"run {run_id}")
        remember_forgotten(platform.store, scope, [(each.collection.name, each.day) for each in history.rebuildable])
        for planned, lease in taken.days:
            if not isinstance(lease, LeaseError):
                taken.keeper.mark_switch(lease, ())
            table = planned.collection.job.tables[0]
            for name in (table.name, quarantine_name(table)):
                platform.catalog.drop_partitions(table.database, name, [planned.day.isoformat()])
    return len(days)
