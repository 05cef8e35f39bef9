"""Kickstart's requests that are struck: a history of columns that come, go and change, first and again, and a day refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dataworks_assets.config.kickstart import PartnerCollectionConfig
from dataworks_assets.systems.kickstart.planner import KickstartPlanner
from dataworks_assets_tests.faults.lake import Lake, LakeCatalog, LakeKeys, LakeStore
from dataworks_assets_tests.faults.reader import rows_of, sparse_digest
from dataworks_assets_tests.faults.scenario import Scenario
from dataworks_assets_tests.faults.strikes import STEP, Strike
from dataworks_assets_tests.spark.jobs.thread_cluster import ThreadCluster
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, CLAIMS, World, configured, days_from
from spark.contract import JobParameters, JobResult
from spark.jobs import kickstart
from spark.jobs.progress import Reporter
from spark.jobs.services import Services

Delivered = str | Sequence[dict[str, object]]
"""A CSV's text, or the rows of a document."""
DAYS = tuple(days_from(4))
_COLLECTIONS = (
    configured(ADVERTS, columns=[{"name": "id", "type": "integer"}, {"name": "title"}]),
    configured(CLAIMS, columns=[{"name": "id"}, {"name": "amount", "type": "decimal(9,2)"}]),
)


@dataclass(frozen=True)
class PartnerScenario(Scenario):
    """A request of Kickstart; an export is (collection, day, what the partner delivers)."""

    collections: tuple[PartnerCollectionConfig, ...]
    first_day: date = DAYS[0]

    def world(self, lake: Lake, strike: Strike | None = None, process: str = STEP) -> World:
        strike = strike or Strike()
        store = LakeStore(lake, strike, process)
        catalog, keys = LakeCatalog(lake, strike, process), LakeKeys(strike, process)
        return World(self.collections, store=store, source=store, catalog=catalog, keys=keys, first_day=self.first_day)

    def digest(self, files):
        return sparse_digest(files)

    def rule(self, lake):
        """No day shows before those before it; its table has all columns of its files."""
        for (database, table), days in lake.catalog._partitions.items():
            if table.endswith("_quarantine"):
                continue
            if sorted(days) != [day.isoformat() for day in self.days[: len(days)]]:
                yield f"{database}.{table} shows {sorted(days)}"
            there = {column.name for column in lake.catalog._definitions[database, table].columns}
            files = [stored for pointer in days.values() for uri, stored in lake.below(pointer.location) if "/part-" in uri]
            rows = [json.loads(row) for stored in files for row in rows_of(stored)]
            if unknown := {name for row in rows for name in row} - there:
                yield f"{database}.{table} has files with columns that it does not have: {unknown}"

    def write(self, world, exported) -> None:
        for name, day, delivered in exported:
            if isinstance(delivered, str):
                world.csv(delivered, day, name=name)
            else:
                world.json(delivered, day, name=name)

    def plans(self, world, platform):
        return KickstartPlanner(platform, world.scope, world.source, today=world.today)

    def do(self, world, parameters: JobParameters, reporter: Reporter) -> JobResult:
        services = Services(world.store, world.catalog, world.keys, lambda _seconds: None, world.source)
        return kickstart.run(parameters, ThreadCluster(2), reporter, services=services)


def _history(*adverts: str, claims: Sequence[Sequence[dict[str, object]]], days: Sequence[date] = DAYS):
    """What the partner delivers, a day of both collections after the other."""
    return [
        delivered
        for day, text, rows in zip(days, adverts, claims, strict=True)
        for delivered in ((ADVERTS, day, text), (CLAIMS, day, rows))
    ]


_ADVERTS = ("id,title\n1,Baker\n", "id,title,wage\n2,Cook,9.5\n", "id,wage\nx,8\n", "id,title,wage,open\n4,Clerk,7,true\n")
_CLAIMS = (
    [{"id": "c-1", "amount": 1}],
    [{"id": "c-2", "amount": 2.5, "paid": True}],
    [{"id": "c-3", "paid": "no", "hours": 16}],
    [{"id": "c-4", "amount": "four", "hours": 20.5, "postcode": "LS1"}],
)
EVOLVING = PartnerScenario(
    "Kickstart: columns come and go", _COLLECTIONS, then=_history(*_ADVERTS, claims=_CLAIMS), days=DAYS, ids={}
)
REDELIVERED = PartnerScenario(
    "Kickstart: a day delivered again, others behind it",
    _COLLECTIONS,
    before=_history(*_ADVERTS[:2], claims=_CLAIMS[:2], days=DAYS[:2]),
    then=[
        (ADVERTS, DAYS[1], "id,title,grade\n2,Cook,3\n"),
        *_history(*_ADVERTS[2:], claims=_CLAIMS[2:], days=DAYS[2:]),
    ],
    days=DAYS,
    ids={},
)
REFUSED_DAY = PartnerScenario(
    "Kickstart: a day refused, others behind it",
    _COLLECTIONS,
    before=_history(*_ADVERTS[:1], claims=_CLAIMS[:1], days=DAYS[:1]),
    then=_history(*('id,title\n2,"Cook\n', *_ADVERTS[2:]), claims=_CLAIMS[1:], days=DAYS[1:]),
    days=DAYS,
    ids={},
    refused=frozenset((ADVERTS, day.isoformat()) for day in DAYS[1:]),
)
PARTNER_SCENARIOS = {scenario.name: scenario for scenario in (EVOLVING, REDELIVERED, REFUSED_DAY)}
