"""Another run that goes by while one is at its n-th call: as long as that one lives, or after it slept through its lease."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

import pytest

from dataworks_assets_tests.faults.counts import SEEN, STRUCK
from dataworks_assets_tests.faults.lake import CLOCK, Lake
from dataworks_assets_tests.faults.partner import EVOLVING
from dataworks_assets_tests.faults.points import TTL_SECONDS, assert_documents, assert_records, differences
from dataworks_assets_tests.faults.reader import watched
from dataworks_assets_tests.faults.scenario import Export, Ran, Scenario, run
from dataworks_assets_tests.faults.scenarios import AUDIT, CLAIMANT, DAYS, RANGE, REFUSED, SPECIAL, STATEMENT
from dataworks_assets_tests.faults.strikes import Strike
from dataworks_assets_tests.systems.adg.whole_path import World, documents
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS
from spark.publish.garbage import GarbageCollector, GarbageContext, Retention
from spark.publish.lease import LeaseKeeper

SAFE_SECONDS = 48 * 3600.0


@dataclass(frozen=True)
class Visit:
    """A request, and what is exported while a run that carries it out sleeps.

    Args:
        scenario: the request, over the inputs that the sleeper planned with.
        added: files that come to those that are there.
        replaced: files in the place of those that are there.
    """

    scenario: Scenario
    added: Export
    replaced: Export = ()

    @cached_property
    def later(self) -> Scenario:
        """The request over the inputs as they are afterwards."""
        lake = self.scenario.start.copied()
        self.export(lake)
        later = replace(self.scenario, ids={}, refused=frozenset())
        later.__dict__["start"] = lake
        return later

    def export(self, lake: Lake) -> None:
        """Exports what is new."""
        world: World = self.scenario.world(lake)
        for topic, day, records in self.added:
            world.write(topic, day, records, batch=3)
        self.scenario.write(world, self.replaced)

    @cached_property
    def allowed(self) -> dict[tuple[str, str, str], list[str]]:
        """Before, the sleeper's, the heir's."""
        first, second = self.scenario.allowed, self.later.allowed
        return {place: list(dict.fromkeys([*first.get(place, []), *second.get(place, [])])) for place in {**first, **second}}


ADDED = Visit(
    RANGE,
    added=[(STATEMENT, DAYS[0], documents(2, first=50)), (CLAIMANT, DAYS[2], documents(2, first=60))],
    replaced=[(STATEMENT, DAYS[2], documents(1, first=70))],
)
ADDED_SPECIAL = Visit(SPECIAL, added=[(AUDIT, day, documents(2, first=50)) for day in DAYS[:2]])
MENDED = Visit(
    REFUSED, added=[], replaced=[(STATEMENT, DAYS[0], documents(3, first=70)), (CLAIMANT, DAYS[1], documents(4, first=80))]
)
VISITS = {visit.scenario.name: visit for visit in (ADDED, ADDED_SPECIAL)}
CHANGED_COLUMNS = Visit(EVOLVING, added=[], replaced=[(ADVERTS, EVOLVING.days[1], "id,title,wage\n2,Chef,9.5\n")])
SLEEPS = {visit.scenario.name: visit for visit in (ADDED, ADDED_SPECIAL, MENDED, CHANGED_COLUMNS)}
SWEPT = {visit.scenario.name: visit for visit in (ADDED, ADDED_SPECIAL, CHANGED_COLUMNS)}


def sleep_at_each(visit: Visit, moment: str, *, every: int = 1, first: int = 1) -> int:
    """A run sleeps through its lease at its `first` call, then every so many on, while inputs change and an heir publishes.

    When it has woken up and ended, everything is the heir's, without any further run.
    """
    return _visit_each(visit, moment, lambda lake: _be_heir(visit, lake), every=every, first=first, name="asleep")


def meet_at_each(visit: Visit, moment: str, *, every: int = 1, first: int = 1) -> int:
    """Another run of the same request comes by while one is at a call: one of them does each day, neither harms the other."""
    return _visit_each(
        visit, moment, lambda lake: run(visit.scenario, lake, name="other"), every=every, first=first, name="met"
    )


def collect_at_each(visit: Visit, moment: str, *, every: int = 1, first: int = 1) -> int:
    """Garbage is collected while one is at a call, days later even: what is in the way of it is not what anybody reads."""
    return _visit_each(visit, moment, lambda lake: _collect(visit, lake), every=every, first=first, name="swept")


def _collect(visit: Visit, lake: Lake) -> None:
    CLOCK.sleep(2 * SAFE_SECONDS)
    world = visit.scenario.world(lake)
    scope = world.scope
    keeper = LeaseKeeper(world.store, scope.control_uri, owner="garbage", ttl_seconds=TTL_SECONDS)
    context = GarbageContext(scope.system, scope.output_uri, SAFE_SECONDS, datetime.fromtimestamp(CLOCK(), UTC))
    collector = GarbageCollector(world.catalog, world.store, leases=keeper, context=context)
    report = collector.collect([Retention(scoped.job, attempts=1) for scoped in scope.collections.values()])
    collector.collect_heartbeats(scope.control_uri)
    SEEN["swept: attempts removed"] += len(report.removed)


def _be_heir(visit: Visit, lake: Lake) -> None:
    visit.export(lake)
    CLOCK.sleep(2 * TTL_SECONDS)
    for _ in range(3):  # a call that the sleeper's other threads had begun may end while the heir plans
        heir = run(visit.later, lake, name="heir")
        if heir.is_clean:
            return
    pytest.fail(f"the heir could not publish: {heir}")


def _visit_each(visit: Visit, moment: str, act: Callable[[Lake], Ran | None], *, every: int, first: int, name: str) -> int:
    at, visited = first, 0
    scenario = visit.later if name == "asleep" else visit.scenario
    while True:
        lake = visit.scenario.start.copied()
        reader = watched(lake, allowed=visit.allowed, goes_back=True, digest=scenario.digest)
        came: list[Ran | None] = []
        strike = Strike(at=at, fault="visit", moment=moment, visitor=lambda: came.append(act(lake)))  # noqa: B023
        ran = run(visit.scenario, lake, strike, name="sleeper")
        if not strike.has_struck:
            return visited
        assert len(came) == 1, (strike.where, "the visitor failed")
        assert reader.wrong == [], (strike.where, reader.wrong[:3])
        if name == "swept":
            assert run(scenario, lake, name="retry").is_clean, strike.where
        assert not (wrong := differences(reader.look(), scenario.undisturbed)), (strike.where, wrong, ran)
        assert_documents(lake, strike)
        if name == "met":
            assert not (twice := _published_twice([ran, *came])), (strike.where, twice)
        after = run(scenario, lake, name="after")
        assert after.is_clean, (strike.where, after)
        assert _read_nothing(after), strike.where
        assert_records(scenario, lake, strike)
        STRUCK[f"{name} {moment} the call: {scenario.name}"] += 1
        visited += 1
        at += every


def _published_twice(runs: list[Ran]) -> set[tuple[str, str]]:
    events = [event for ran in runs for event in ran.events.materializations if event.metadata["unchanged"].value is False]
    days = Counter(("/".join(event.asset_key.path), str(event.partition)) for event in events)
    return {day for day, times in days.items() if times > 1}


def _read_nothing(ran: Ran) -> bool:
    return any("0 files, 0.0 MB to be read" in line for line in ran.events.lines)
