"""Kickstart over a running stack, apart from every other test: a prefix at the partner's, a database and an output of its own.

delivery = Delivery.open(load_settings("local", environment=...).resolved(stack), "kickstart_1")
delivery.write()
delivery.execution(events).run(delivery.request)
assert delivery.shown() == undisturbed
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pyarrow.parquet as pq

from dataworks_assets.config.kickstart import PartnerModule
from dataworks_assets.config.settings import Settings
from dataworks_assets.stack.sample.partner import PartnerFile, PartnerSample, write_partner_sample
from dataworks_assets.systems.execution import Execution
from dataworks_assets.systems.kickstart.access import source_settings
from dataworks_assets.systems.kickstart.planner import KickstartPlanner
from dataworks_assets.systems.kickstart.scope import KickstartScope
from dataworks_assets.systems.plan import Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.systems.adg.whole_path import Events
from spark.publish.manifest import data_files
from spark.sources.keys import KeyService
from spark.store import ObjectStore, shared_store

LAST = date(2026, 11, 20)
EVOLVING_DAYS = tuple(LAST - timedelta(days=back) for back in (7, 6, 5, 4, 3))
"""Days of the sample with several files, an added column, one that goes and one whose values do not cast; none is missing."""

Shown = dict[str, tuple[list[tuple[str, str]], dict[str, list[str]]]]
"""By table: its columns with their types, and by day its rows as texts, sorted."""


@dataclass
class Delivery:
    """A deployment, and what the partner delivers to it.

    Args:
        platform: its clients.
        name: of database and prefix.
        days: those that a run is asked for.
        rows: a file and day.
        files: what was written of its days.
    """

    platform: Platform
    name: str
    days: Sequence[date] = EVOLVING_DAYS
    rows: int = 20
    files: list[PartnerFile] = field(default_factory=list)

    @classmethod
    def open(cls, loaded: Settings, name: str, *, days: Sequence[date] = EVOLVING_DAYS, **fields: object) -> Delivery:
        """Opens a deployment by the name over settings whose addresses are known; `fields` are Kickstart's own."""
        return cls(Platform(settings_for(loaded, name, **fields)), name, days)

    @property
    def scope(self) -> KickstartScope:
        """Its collections."""
        return KickstartScope(self.platform.settings)

    @property
    def request(self) -> Request:
        """All collections over its days."""
        return Request((), tuple(self.days))

    def source(self, run_id: str = "test") -> ObjectStore:
        """The partner's bucket as a run reaches it."""
        return shared_store(source_settings(self.platform, run_id=run_id))

    @property
    def expected(self) -> dict[tuple[str, str], int]:
        """By collection and day, how many rows were written."""
        names = {scoped.config.module: name for name, scoped in self.scope.collections.items()}
        counts: Counter[tuple[str, str]] = Counter()
        for file in self.files:
            counts[names[PartnerModule(file.module)], file.day.isoformat()] += file.rows
        return dict(counts)

    def write(self) -> None:
        """Writes the sample's files of its days, and of the last one, from which the sample counts."""
        keys = KeyService(self.platform.key_service_settings, correlation_id="tests")
        days = tuple(dict.fromkeys((*self.days, LAST)))
        sample = PartnerSample(days, lambda module, day: self.scope.prefix_uri(PartnerModule(module), day), rows=self.rows)
        written = write_partner_sample(self.source(), sample, keys.new_key)
        self.files = [file for file in written if file.day in self.days]

    def spoil(self) -> set[tuple[str, str]]:
        """Puts a file that is no document in the place of one; returns the days that cannot be published for it."""
        (file,) = [each for each in self.files if (each.module, each.day) == ("application", self.days[-2])]
        source = self.source()
        source.put(file.uri, b"no document", metadata=source.metadata(file.uri))
        return {("application/applicants", day.isoformat()) for day in self.days[-2:]}

    def planner(self, run_id: str = "test") -> KickstartPlanner:
        """Plans as on the day after the last one."""
        return KickstartPlanner(self.platform, self.scope, self.source(run_id), today=LAST + timedelta(days=1))

    def execution(self, events: Events) -> Execution:
        """A run as the assets' step makes it."""
        source = source_settings(self.platform, run_id=events.run_id)
        return Execution(self.platform, self.scope, self.planner(events.run_id), events, source_store=source)

    def shown(self) -> Shown:
        """What readers find in every table."""
        shown: Shown = {}
        catalog, store = self.platform.catalog, self.platform.store
        for scoped in self.scope.collections.values():
            table = scoped.job.tables[0]
            definition = catalog.describe(table.database, table.name)
            columns = [] if definition is None else [(column.name, column.type) for column in definition.columns]
            pointers = {} if definition is None else catalog.pointers(table.database, table.name)
            shown[table.name] = columns, {day: rows_below(store, each.location) for day, each in pointers.items()}
        return shown


def rows_below(store: ObjectStore, location: str) -> list[str]:
    """Returns the rows of a folder of Parquet files as texts, sorted."""
    files = [pq.read_table(io.BytesIO(store.read(listed.uri))) for listed in data_files(store.list(location))]
    return sorted(json.dumps(row, sort_keys=True, default=str) for file in files for row in file.to_pylist())


def settings_for(loaded: Settings, name: str, **fields: object) -> Settings:
    """Returns settings of Kickstart alone, with a database, an output and a prefix by this name."""
    own = {"database": name, "output": f"data/{name}", "prefix": f"{name}/{{module}}/{{export_date}}", "expiry_days": 5000}
    kickstart = loaded.deployment.kickstart.model_copy(update=own | fields)
    deployment = loaded.deployment.model_copy(update={"kickstart": kickstart})
    return replace(loaded, deployment=deployment, collections=())
