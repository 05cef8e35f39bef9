"""Strikes at the n-th call, for every n until a run is clean, each followed by a plain retry that has to put all right."""

from __future__ import annotations

import json

from dataworks_assets.systems.refusals import read_refusals
from dataworks_assets_tests.faults.counts import STRUCK
from dataworks_assets_tests.faults.lake import CLOCK, Lake
from dataworks_assets_tests.faults.reader import Reader, Shown, watched
from dataworks_assets_tests.faults.scenario import Ran, Scenario, run, schemas_of
from dataworks_assets_tests.faults.strikes import APPLICATION, STEP, Strike

TTL_SECONDS = 120.0
BOTH = frozenset({STEP, APPLICATION})


def strike_each(
    scenario: Scenario,
    fault: str,
    moment: str,
    *,
    every: int = 1,
    first: int = 1,
    processes: frozenset[str] = BOTH,
    is_patient: bool = False,
) -> int:
    """Strikes the `first` call, then every so many on, until a run gets through unstruck; returns how many were struck."""
    at, struck = first, 0
    while True:
        lake = scenario.start.copied()
        reader = watched(lake, allowed=scenario.allowed, digest=scenario.digest, rule=scenario.rule)
        strike = Strike(at=at, fault=fault, moment=moment, processes=processes)
        ran = run(scenario, lake, strike)
        check_reports(scenario, reader, ran, strike)
        if not strike.has_struck:
            assert scenario.went_well(ran), ran
            return struck
        retried = retry(scenario, lake, strike, is_patient=is_patient)
        assert len(retried) == 1 or (leases_may_stay(strike) and not is_patient), (strike.where, retried)
        check(scenario, reader, [ran, *retried], strike)
        STRUCK[f"{fault} {moment} the call, {' and '.join(sorted(processes))}: {scenario.name}"] += 1
        struck += 1
        at += every


def leases_may_stay(strike: Strike) -> bool:
    """Whether the leases' own time has to run out: nobody was left to give them back, or that was what failed."""
    return strike.is_dead or "/leases/" in strike.where


def retry(scenario: Scenario, lake: Lake, strike: Strike, *, is_patient: bool = False) -> list[Ran]:
    """A plain retry; where leases of a run that was killed are in its way, another one when they have run out."""
    ran = [run(scenario, lake, name="retry", is_patient=is_patient)]
    if not scenario.went_well(ran[-1]):
        others = [failure.cause for failure in ran[-1].failures if not failure.lies_in_data]
        assert all(cause.startswith(("run ", "another run has ")) for cause in others), (strike.where, ran)
        CLOCK.sleep(2 * TTL_SECONDS)
        ran.append(run(scenario, lake, name="retry"))
    assert scenario.went_well(ran[-1]), (strike.where, ran[-1])
    return ran


def check_reports(scenario: Scenario, reader: Reader, ran: Ran, strike: Strike) -> None:
    """What a run said is published has to be what tables show."""
    shown = reader.look()
    for name, day in ran.reported:
        for table in scenario.world(reader.lake).scope.collections[name].job.tables:
            place = (table.database, table.name, day)
            assert shown.get(place) == scenario.undisturbed[place], (strike.where, place)


def check(scenario: Scenario, reader: Reader, runs: list[Ran], strike: Strike) -> None:
    """After the retry all is as if nothing had happened, and no reader ever saw anything else than old or new."""
    assert reader.wrong == [], (strike.where, reader.wrong[:3])
    assert not (wrong := differences(reader.look(), scenario.undisturbed)), (strike.where, wrong)
    assert schemas_of(reader.lake) == scenario.schemas, strike.where
    assert set().union(*(ran.reported for ran in runs)) == scenario.requested, strike.where
    assert_documents(reader.lake, strike)
    assert_records(scenario, reader.lake, strike)


def differences(shown: Shown, wanted: Shown) -> dict[tuple[str, str, str], tuple[str | None, str | None]]:
    """Returns the partitions that show something else than they have to, with both."""
    places = {*shown, *wanted}
    return {place: (shown.get(place), wanted.get(place)) for place in places if shown.get(place) != wanted.get(place)}


def assert_documents(lake: Lake, strike: Strike) -> None:
    """Each day's document names the files that the catalog shows."""
    told = {}
    for uri, stored in lake.objects.items():
        if uri.endswith("/_published.json"):
            tables = json.loads(stored.body)["tables"]
            told |= {(*name.split("."), uri.split("/")[-2]): entry["location"] for name, entry in tables.items()}
    there = {
        (database, table, day): pointer.location
        for (database, table), days in lake.catalog._partitions.items()
        if not table.endswith("_quarantine")
        for day, pointer in days.items()
    }
    assert not {*told.items()} ^ {*there.items()}, (strike.where, {*told.items()} ^ {*there.items()})


def assert_records(scenario: Scenario, lake: Lake, strike: Strike) -> None:
    """What is refused, and nothing else, is recorded as refused; every published object has the configured tags."""
    world = scenario.world(lake)
    recorded = read_refusals(world.store, world.scope).keys()
    assert recorded == scenario.refused, (strike.where, recorded)
    for scoped in world.scope.collections.values():
        for table in scoped.job.tables:
            for pointer in lake.catalog._partitions[table.database, table.name].values():
                tags = [stored.tags for uri, stored in lake.below(pointer.location) if "/part-" in uri]
                assert all(each == table.tags for each in tags), (strike.where, tags)
