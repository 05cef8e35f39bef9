"""Kickstart's room: its plans, what the partner has delivered of unpublished days, and where a catch-up begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from dataworks_assets.systems.kickstart.access import source_store
from dataworks_assets.systems.kickstart.acknowledged import read_acknowledged
from dataworks_assets.systems.kickstart.days import beginning, catch_up_start, chosen_days, days_of
from dataworks_assets.systems.kickstart.planner import KickstartPlanner
from dataworks_assets.systems.kickstart.scope import KickstartScope
from dataworks_assets.systems.plan import Decision, PlannedDay, Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.rooms import CollectionDay, Foreseen, LedgerNames, Outlook
from dataworks_assets.systems.scope import Scoped
from spark.errors import DataworksError

if TYPE_CHECKING:
    from dataworks_assets.ledger.notices import Notifier
    from dataworks_assets.systems.ledger_repair import LedgerRepair

_STATES = {Decision.NEW: "delivered", Decision.NOT_EXPORTED: "missing"}
_FINAL = {Decision.EXPIRED, Decision.GIVEN_UP}


@dataclass(frozen=True)
class KickstartRoom:
    """The partner's files."""

    platform: Platform
    scope: KickstartScope

    @property
    def ledger(self) -> LedgerNames:
        """One product per module."""
        names = self.scope.settings.deployment.ledger.kickstart
        return LedgerNames(names, tuple(str(module) for module in self.scope.modules()))

    def repairs(self, notifier: Notifier) -> Sequence[LedgerRepair]:
        """Returns the objects that close the ledgers of its dead runs."""
        from dataworks_assets.systems.kickstart.recording import kickstart_repairs

        return kickstart_repairs(self.platform, self.scope, notifier)

    def planner(self, *, is_test: bool = False) -> KickstartPlanner:
        """Returns the planner of its runs."""
        return KickstartPlanner(self.platform, self.scope, source_store(self.platform, run_id="command"), is_test=is_test)

    def usual_days(self, collections: Sequence[Scoped]) -> tuple[date, ...]:
        """Returns the days of a catch-up: from the first that is not complete up to yesterday."""
        today = datetime.now(UTC).date()
        wanted = self.scope.select(each.name for each in collections)
        return chosen_days(None, None, first_open=catch_up_start(self.platform, self.scope, wanted, today=today), today=today)

    @property
    def idle(self) -> str:
        """The message shown if a catch-up has nothing to do."""
        return "Nothing to do: every day up to yesterday is complete."

    def last_day(self) -> date | None:
        """Yesterday: the partner delivers every day, so a missing day is to be shown."""
        return datetime.now(UTC).date() - timedelta(days=1)

    def outlook(self, collections: Sequence[Scoped], days: Sequence[date], *, ask_source: bool) -> Outlook:
        """Returns what was delivered, is missing, lost or given up, from the history's first day on.

        If the partner cannot be reached, a note says so.
        """
        today = datetime.now(UTC).date()
        names = [each.name for each in collections]
        begin = beginning(self.platform, self.scope, self.scope.select(names), today=today)
        past = tuple(day for day in days if begin <= day <= today)
        found, notes = self._given_up(names, past), tuple(self._catch_up(names, today))
        if not ask_source or not past:
            return Outlook(found, notes)
        try:
            planned = self.planner().plan(Request(tuple(names), self._with_open_days(names, past, today))).days
        except DataworksError as error:  # what is published can be shown without the partner
            asked = f"The partner's files could not be looked at: {error.what} ({error.where}). {error.remedy}"
            return Outlook(found, (asked, *notes))
        seen = {(each.collection.name, each.day): foreseen for each in planned if (foreseen := _foreseen(each))}
        return Outlook({key: each for key, each in seen.items() if key[1] in past}, notes)

    def _with_open_days(self, names: Sequence[str], days: Sequence[date], today: date) -> tuple[date, ...]:
        """Adds earlier open days, because some of these may wait for them."""
        first_open = catch_up_start(self.platform, self.scope, self.scope.select(names), today=today)
        return (*days, *days_of(first_open, max(days)))

    def _given_up(self, names: Iterable[str], days: Iterable[date]) -> Mapping[CollectionDay, Foreseen]:
        acknowledged = read_acknowledged(self.platform.store, self.scope)
        wanted = {(name, day) for name in names for day in days} & set(acknowledged)
        return {key: _settled(f"given up by an operator: {acknowledged[key].reason}") for key in wanted}

    def _catch_up(self, names: Sequence[str], today: date) -> Iterator[str]:
        """Yields one line per module: up to which day it is complete."""
        for module in self.scope.modules():
            wanted = [each for each in self.scope.of_module(module) if each.name in names]
            if wanted:
                first = catch_up_start(self.platform, self.scope, wanted, today=today)
                yield f"{module}: " + ("complete up to yesterday" if first == today else f"a catch-up begins at {first}")


def _foreseen(planned: PlannedDay) -> Foreseen | None:
    """Returns what a plan says of a day; None for an unchanged or held one."""
    if planned.decision in {Decision.UNCHANGED, Decision.HELD}:
        return None
    if planned.decision is Decision.GIVEN_UP:
        return _settled(planned.reason)
    reason = "\n".join(finding.cause for finding in planned.findings) or planned.reason
    state = _STATES.get(planned.decision, planned.decision.value)
    return Foreseen(state, reason, is_final=planned.decision in _FINAL)


def _settled(reason: str) -> Foreseen:
    return Foreseen(Decision.GIVEN_UP.value, reason, is_final=True, is_settled=True)
