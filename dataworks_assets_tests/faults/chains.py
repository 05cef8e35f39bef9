"""Sleepers that sleep through each other: a run sleeps while a second one does, while a third one publishes; then they wake."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cached_property

import pytest

from dataworks_assets_tests.faults.counts import STRUCK
from dataworks_assets_tests.faults.lake import CLOCK, Lake
from dataworks_assets_tests.faults.points import TTL_SECONDS, assert_documents, differences
from dataworks_assets_tests.faults.reader import watched
from dataworks_assets_tests.faults.scenario import Export, Scenario, run
from dataworks_assets_tests.faults.scenarios import AUDIT, CLAIMANT, DAYS, STATEMENT
from dataworks_assets_tests.faults.strikes import Strike
from dataworks_assets_tests.faults.visits import ADDED, ADDED_SPECIAL, Visit
from dataworks_assets_tests.systems.adg.whole_path import documents

_CALLS = 160


@dataclass(frozen=True)
class Chain:
    """What is exported while the first run sleeps (the visit's), and while the second one does."""

    visit: Visit
    last: Export

    @cached_property
    def final(self) -> Scenario:
        """The request over all of it."""
        lake = self.visit.scenario.start.copied()
        self.visit.export(lake)
        self.export(lake)
        final = replace(self.visit.scenario, ids={})
        final.__dict__["start"] = lake
        return final

    def export(self, lake: Lake) -> None:
        """Exports what comes last."""
        world = self.visit.scenario.world(lake)
        for topic, day, records in self.last:
            there = [uri for uri in lake.objects if f"/{day}/" in uri and f"/{topic}-" in uri and uri.endswith(".enc")]
            world.write(topic, day, records, batch=len(there) + 1)


CHAINS = {
    "several days": Chain(
        Visit(ADDED.scenario, added=[(STATEMENT, day, documents(2, first=50)) for day in DAYS]),
        last=[(CLAIMANT, day, documents(2, first=60)) for day in DAYS[:2]],
    ),
    "several tables": Chain(ADDED_SPECIAL, last=[(AUDIT, DAYS[0], documents(2, first=60))]),
}


def sleep_in_a_chain(chain: Chain, seed: int) -> None:
    """Each of two runs sleeps at a call by chance; whoever wakes last, the newest inputs stand."""
    chance = random.Random(seed)
    lake = chain.visit.scenario.start.copied()
    reader = watched(lake, goes_back=True)

    def sleeper(visitor) -> Strike:
        moment = chance.choice(["before", "after"])
        return Strike(at=chance.randint(1, _CALLS), moment=moment, fault="visit", visitor=visitor)

    def third() -> None:
        chain.export(lake)
        CLOCK.sleep(2 * TTL_SECONDS)
        for _ in range(3):
            if run(chain.final, lake, name="third").is_clean:
                return
        pytest.fail(f"the third run could not publish, seed {seed}")

    def second() -> None:
        chain.visit.export(lake)
        CLOCK.sleep(2 * TTL_SECONDS)
        _run_or_follow(chain.visit.scenario, lake, sleeper(third))

    first = sleeper(second)
    _run_or_follow(chain.visit.scenario, lake, first)
    assert reader.wrong == [], (seed, reader.wrong[:2])
    assert not (wrong := differences(reader.look(), chain.final.undisturbed)), (seed, first.where, wrong)
    assert_documents(lake, first)
    assert run(chain.final, lake, name="after").is_clean, seed
    STRUCK["two asleep, one after the other"] += 1


def _run_or_follow(scenario: Scenario, lake: Lake, strike: Strike) -> None:
    run(scenario, lake, strike, name="sleeper")
    if not strike.has_struck:
        assert strike.visitor is not None
        strike.visitor()
