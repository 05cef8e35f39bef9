"""Random histories of a lake against a plain model: days exported, inputs replaced, runs that are struck, holds, rollbacks,
garbage collected. The model is a dictionary: what each collection's day shows."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime

from dataworks_assets.systems.adg.scope import SYSTEM
from dataworks_assets.systems.holds import hold, release
from dataworks_assets_tests.faults.counts import SEEN, STRUCK
from dataworks_assets_tests.faults.lake import CLOCK, Lake, Stored
from dataworks_assets_tests.faults.points import TTL_SECONDS, assert_documents
from dataworks_assets_tests.faults.reader import NEWEST, Reader, rows_of, watched
from dataworks_assets_tests.faults.scenario import Ran, Scenario, run
from dataworks_assets_tests.faults.scenarios import AUDIT, FIRST, SPECIAL, STATEMENT
from dataworks_assets_tests.faults.strikes import Killed, Strike
from dataworks_assets_tests.systems.adg.whole_path import configured, document
from spark.errors import DataworksError
from spark.publish.garbage import GarbageCollector, GarbageContext, Retention
from spark.publish.intent import PublishContext
from spark.publish.lease import LeaseKeeper
from spark.publish.rollback import Rollback, attempts_of
from spark.publish.switch import Publisher

DAYS = tuple(date(2026, 11, day) for day in (19, 20, 21))
DAY_SECONDS = 24 * 3600.0
SAFE_SECONDS = 2 * DAY_SECONDS

TWO_COLLECTIONS = replace(FIRST, collections=(configured(STATEMENT), configured("db.core.claimant")), before=(), then=())
TOPICS = {"two collections": (STATEMENT, "db.core.claimant"), "several tables": (AUDIT,)}
SCENARIOS = {"two collections": TWO_COLLECTIONS, "several tables": replace(SPECIAL, before=(), then=())}


def ids_of(files: list[tuple[str, Stored]]) -> str:
    """The ids in a folder, whatever the table's layout."""
    rows = [json.loads(row) for _, stored in files for row in rows_of(stored)]
    return " ".join(sorted(_id(row) for row in rows))


def _id(row: dict[str, str]) -> str:
    if "id" in row:
        return json.loads(row["id"])["d_oid"]
    return json.loads(row["val"])["_id"]["d_oid"] if "val" in row else f"s{row['n']}"


class History:
    """One lake's life. Every step checks what it may have changed; `end` checks everything."""

    def __init__(self, kind: str, seed: int) -> None:
        self.random = random.Random(seed)
        self.scenario: Scenario = SCENARIOS[kind]
        self.topics = TOPICS[kind]
        self.lake = Lake()
        self.exported: dict[tuple[str, date], dict[int, str]] = {}
        self.held: set[str] = set()
        self.told: list[str] = []
        self.numbers = 0
        self.ever: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        self.names = {scoped.job.topic: name for name, scoped in self.world().scope.collections.items()}
        self.reader: Reader = watched(self.lake, allowed=self.ever, goes_back=True, digest=ids_of)

    def world(self, strike: Strike | None = None):
        return self.scenario.world(self.lake, strike)

    # What happens

    def step(self) -> None:
        """One thing that may happen."""
        weights = {self.export: 3, self.run: 8, self.wait: 3, self.roll_back: 2, self.hold_or_release: 1, self.collect: 2}
        act = self.random.choices(list(weights), weights.values())[0]
        self.told.append(act.__name__)
        act()
        assert self.reader.wrong == [], (self.told, self.reader.wrong[:2])

    def export(self) -> None:
        """A day comes whole; or one file of it is replaced, or added."""
        day = self.random.choice(DAYS)
        is_new = (self.topics[0], day) not in self.exported
        for topic in self.topics if is_new else [self.random.choice(self.topics)]:
            batches = self.exported.setdefault((topic, day), {})
            batch = self.random.choice([*batches, len(batches) + 1])
            numbers = [self.numbers + step for step in range(self.random.randint(1, 3))]
            self.numbers = numbers[-1] + 1
            self.world().write(topic, day, [document(f"s{each}", n=str(each)) for each in numbers], batch=batch)
            batches[batch] = " ".join(f"s{each}" for each in numbers)
            self.told.append(f"{topic} {day} batch {batch}: {batches[batch]}")
            self._allow(topic, day)

    def run(self) -> None:
        """A run over some of the exported days, that is perhaps struck, or visited by the garbage collection."""
        if self.random.random() < 0.6:
            self.export()
        days = sorted({day for _, day in self.exported})
        if not days:
            return
        days = days[self.random.randrange(len(days)) :][: self.random.randint(1, 3)]
        fault = self.random.choice(["none", "kill", "kill", "kill", "time-out", "refusal", "visit"])
        strike = Strike(
            at=0 if fault == "none" else self.random.randint(1, 80),
            moment=self.random.choice(["before", "after"]),
            fault="kill" if fault == "none" else fault,
            visitor=self.collect_now,
        )
        ran = run(self.scenario, self.lake, strike, days=days)
        self.told.append(f"over {[str(day) for day in days]}, {strike.where}: {ran}")
        STRUCK["random histories: runs struck"] += strike.has_struck
        if ran.is_clean:
            self._check_published(days)

    def wait(self) -> None:
        """Time passes: leases run out, objects grow old."""
        CLOCK.sleep(self.random.choice([1.0, 2 * TTL_SECONDS, 3 * DAY_SECONDS]))

    def roll_back(self) -> None:
        """An operator points a day back at an earlier attempt; may be struck."""
        strike = Strike(
            at=self.random.choice([0, 0, self.random.randint(1, 40)]), moment=self.random.choice(["before", "after"])
        )
        world = self.world(strike)
        job = world.job(self.names[self.random.choice(self.topics)])
        day = self.random.choice(DAYS).isoformat()
        output_uri = world.scope.output_uri
        there = [manifest.attempt for manifest in attempts_of(self.world().store, output_uri, job, day)]
        if not there:
            return
        attempt = self.random.choice(there)
        keeper = LeaseKeeper(world.store, world.scope.control_uri, owner=f"operator-{len(self.told)}", ttl_seconds=TTL_SECONDS)
        context = PublishContext(SYSTEM, "operator", output_uri)
        publisher = Publisher(world.catalog, world.store, leases=keeper, context=context)
        try:
            outcome = Rollback(world.store, keeper, publisher=publisher, context=context).point_back(job, day, attempt)
        except (Killed, DataworksError) as error:
            self.told.append(f"{job.name} {day}: {error!r}")
            return
        self.told.append(f"{job.name} {day} to {attempt}: {outcome.error}")
        assert outcome.error is None, self.told
        assert {table.pointer.attempt for table in outcome.pointers} == {attempt}, self.told

    def hold_or_release(self) -> None:
        """An operator holds a collection, or lets it go."""
        world = self.world()
        name = self.random.choice(list(self.names.values()))
        if name in self.held:
            release(world.store, world.scope, name)
        else:
            hold(world.store, world.scope, name, reason="a test", by="an operator")
        self.held ^= {name}

    def collect(self) -> None:
        """Garbage is collected; may be struck."""
        strike = Strike(
            at=self.random.choice([0, 0, self.random.randint(1, 40)]), moment=self.random.choice(["before", "after"])
        )
        try:
            self.collect_now(strike)
        except Killed:
            self.told.append(strike.where)

    def collect_now(self, strike: Strike | None = None) -> None:
        """Garbage is collected, as it would be in production at this moment."""
        world = self.world(strike)
        scope = world.scope
        keeper = LeaseKeeper(world.store, scope.control_uri, owner=f"garbage-{len(self.told)}", ttl_seconds=TTL_SECONDS)
        now = datetime.fromtimestamp(CLOCK(), UTC)
        context = GarbageContext(SYSTEM, scope.output_uri, SAFE_SECONDS, now)
        collector = GarbageCollector(world.catalog, world.store, leases=keeper, context=context)
        report = collector.collect([Retention(scoped.job) for scoped in scope.collections.values()])
        collector.collect_heartbeats(scope.control_uri)
        SEEN["random histories: attempts removed"] += len(report.removed)

    # What has to be so

    def end(self) -> Ran:
        """All is let go and run again: tables show exactly what is exported, and another run finds nothing to do."""
        world = self.world()
        for name in self.held:
            release(world.store, world.scope, name)
        self.held = set()
        CLOCK.sleep(2 * TTL_SECONDS)
        days = sorted({day for _, day in self.exported})
        if not days:
            return Ran(None)
        ran = run(self.scenario, self.lake, days=days, name="last")
        assert ran.is_clean, (self.told, ran)
        self._check_published(days)
        assert self.reader.wrong == [], (self.told, self.reader.wrong[:2])
        assert_documents(self.lake, Strike())
        again = run(self.scenario, self.lake, days=days, name="again")
        assert any("0 files, 0.0 MB to be read" in line for line in again.events.lines), self.told
        return again

    def _check_published(self, days: list[date]) -> None:
        shown = self.reader.look()
        for topic in self.topics:
            job = self.world().job(self.names[topic])
            if job.name in self.held:
                continue
            for table in job.tables:
                for day in days:
                    place = (table.database, table.name, day.isoformat())
                    assert shown[place] == self._state(topic, day), (self.told, place)
                newest = max(day for database, name, day in shown if (database, name) == (table.database, table.name))
                if table.newest:
                    place = (table.database, table.newest, NEWEST)
                    assert shown[place] == shown[table.database, table.name, newest], (self.told, place)

    def _allow(self, topic: str, day: date) -> None:
        state = self._state(topic, day)
        for table in self.world().job(self.names[topic]).tables:
            self.ever[table.database, table.name, day.isoformat()].append(state)
            if table.newest:
                self.ever[table.database, table.newest, NEWEST].append(state)

    def _state(self, topic: str, day: date) -> str:
        ids = " ".join(sorted(" ".join(self.exported[topic, day].values()).split()))
        return f"{day.isoformat()} {ids}"


def live(kind: str, seed: int, *, steps: int) -> None:
    """Lives one history through."""
    history = History(kind, seed)
    for _ in range(steps):
        history.step()
    history.end()
    SEEN["random histories"] += 1
