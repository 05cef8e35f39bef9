"""Real processes killed by SIGKILL over the real stack: after the leases' few seconds a plain retry gives the right rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import msgspec
import psutil
import pytest
import yaml

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.stack import lifecycle
from dataworks_assets.stack.sample.export import SampleRequest, SampleWriter
from dataworks_assets.stack.sample.truth import ExportTruth
from dataworks_assets.stack.state import INPUT_BUCKET, MANIFEST_BUCKET, OUTPUT_BUCKET, StackState
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.conftest import JARS
from dataworks_assets_tests.dagster_runs.reading import held_by, read_files, table_days
from dataworks_assets_tests.dagster_runs.world import World
from dataworks_assets_tests.faults.blows import SELF, VARIABLE, Blow
from dataworks_assets_tests.faults.points import STRUCK
from dataworks_assets_tests.faults.struck_step import LEASE_SECONDS, settings_of
from spark.errors import CatalogError, NotFoundError, StoreError
from spark.publish.manifest import missing_files, read_manifest
from spark.sources.keys import KeyService

pytestmark = pytest.mark.timeout(600)

FIRST_DAY = date(2026, 11, 16)
NAMES = ("data/businessAudit", "core/toDo", "quartz/claimantEvent")
RUN_SECONDS = 180
PROJECT = Path(__file__).resolve().parents[2]
REAL = ("submit", "submit")


@dataclass
class Site:
    """A stack that may be harmed, and the exports in it, a day of its own for each test."""

    home: Path
    truths: dict[date, ExportTruth] = field(default_factory=dict)

    @property
    def stack(self) -> StackState:
        """The stack, started again where it is down."""
        return lifecycle.up(self.home, jars_directory=JARS)

    @property
    def platform(self) -> Platform:
        """Clients that no blow comes to."""
        return Platform(settings_of(self.home))

    def export(self) -> date:
        """Exports another day."""
        platform = self.platform
        day = max(self.truths, default=FIRST_DAY.replace(day=FIRST_DAY.day - 1))
        day = date.fromordinal(day.toordinal() + 1)
        prefixes = platform.settings.deployment.prefixes
        scope = AdgScope(platform.settings, SnapshotType.INCREMENTAL)
        request = SampleRequest(
            data_uri=f"s3://{INPUT_BUCKET}/{prefixes.data}",
            manifest_uri=f"s3://{MANIFEST_BUCKET}/{prefixes.manifests}",
            truth_uri=f"s3://{OUTPUT_BUCKET}/truth",
            days=(day,),
            snapshot_types=("incremental",),
            topics=tuple(scope.collections[name].job.topic for name in NAMES),
            scale=0.02,
        )
        keys = KeyService(platform.key_service_settings, correlation_id="tests")
        (written,) = SampleWriter(platform.store, keys.new_key).write(request).exports
        self.truths[day] = written.truth
        return day

    def start(self, day: date, blow: Blow | None = None, *, engine: str = "submit") -> subprocess.Popen[str]:
        """Starts a run in a process of its own."""
        environment = os.environ | self.stack.environment()
        if blow is not None:
            environment[VARIABLE] = msgspec.json.encode(blow).decode()
        command = [sys.executable, "-m", "dataworks_assets_tests.faults.struck_step"]
        return subprocess.Popen(
            [*command, str(self.home), engine, day.isoformat(), day.isoformat(), *NAMES],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )

    def run(self, day: date, *, engine: str) -> dict[str, object]:
        """Runs to the end, and returns what the run said."""
        process = self.start(day, engine=engine)
        said, _ = process.communicate(timeout=RUN_SECONDS)
        return {"code": process.returncode, **json.loads(said)}

    def wrong_tables(self, day: date) -> list[str]:
        """Tables that do not hold what was exported."""
        platform, stack = self.platform, self.stack
        world = World(platform.settings, None, None, self.home, "")
        world.names = lambda _snapshot_type: list(NAMES)  # type: ignore[method-assign]
        truth = {topic.topic: topic for topic in self.truths[day].topics}
        wrong = []
        for table in table_days(world, "incremental", day, truth):
            pointers = platform.catalog.pointers(table.database, table.name, [day.isoformat()])
            there = None if not pointers else held_by(read_files(stack, pointers[day.isoformat()].location), table)
            if there != table.holds:
                wrong.append(f"{table.place}: {there}, not {table.holds}")
            newest = table.output.newest and platform.catalog.newest(table.database, table.output.newest)
            if table.output.newest and (newest is None or newest.partition != max(self.truths).isoformat()):
                wrong.append(f"{table.output.newest} shows {newest}")
        return wrong


class LoopingReader(threading.Thread):
    """Looks at every table again and again: whatever the catalog shows has to be whole."""

    def __init__(self, site: Site) -> None:
        super().__init__(name="reader", daemon=True)
        self.looks = 0
        self.wrong: list[str] = []
        self._platform = site.platform
        self._stopped = threading.Event()

    def run(self) -> None:
        scope = AdgScope(self._platform.settings, SnapshotType.INCREMENTAL)
        while not self._stopped.wait(0.2):
            for name in NAMES:
                for table in scope.collections[name].job.tables:
                    self._look(table.database, table.name)

    def _look(self, database: str, name: str) -> None:
        store = self._platform.store
        try:
            for pointer in self._platform.catalog.pointers(database, name).values():
                manifest = read_manifest(store, pointer.location)
                if missing_files(store, manifest) or manifest.table.rows != pointer.rows:
                    self.wrong.append(f"{name} {pointer.partition} is not whole")
                self.looks += 1
        except NotFoundError as error:
            self.wrong.append(str(error))
        except (CatalogError, StoreError):
            return  # what was killed on purpose does not answer

    def __enter__(self) -> LoopingReader:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopped.set()
        self.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    home = tmp_path_factory.mktemp("struck")
    state = lifecycle.up(home, jars_directory=JARS)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in state.environment().items():
            patch.setenv(name, value)
        try:
            yield Site(home)
        finally:
            lifecycle.down(home)


def strike(site: Site, mark: Path, call: tuple[str, str, str], victim: str = SELF, *, engines: tuple[str, str] = REAL) -> None:
    """A run comes to a blow; the stack is brought up whenever it is down; then a plain retry puts everything right.

    `call` is whose call, which one, and the moment; `engines` are the struck run's and the retry's.
    """
    day = site.export()
    process, pattern, moment = call
    blow = Blow(process, pattern, moment, victim, str(mark), str(site.home))
    with LoopingReader(site) as reader:
        running = site.start(day, blow, engine=engines[0])
        while running.poll() is None:
            if victim != SELF and mark.exists():
                _ = site.stack
            time.sleep(0.2)
        running.communicate()
        assert mark.exists(), "the blow never came"
        _ = site.stack
        _wait_until_alone(site)
        time.sleep(1.3 * LEASE_SECONDS)
        retried = site.run(day, engine=engines[1])
    assert retried["code"] == 0, retried
    assert site.wrong_tables(day) == []
    assert (reader.wrong, reader.looks > 0) == ([], True)
    STRUCK[f"real processes: {victim} killed {moment} a call of the {process}"] += 1


def _wait_until_alone(site: Site) -> None:
    """Nothing of the struck run lives on: its application is on a leash."""
    deadline_seconds = time.monotonic() + 30
    while time.monotonic() < deadline_seconds:
        folders = [process for process in psutil.process_iter(["cmdline"]) if _is_of(process, site.home / "work")]
        if not folders:
            return
        time.sleep(0.2)
    pytest.fail(f"still there: {[process.info for process in folders]}")


def _is_of(process: psutil.Process, folder: Path) -> bool:
    return any(str(folder) in part for part in process.info["cmdline"] or [])


@pytest.fixture
def mark(tmp_path):
    return tmp_path / "struck"


def test_an_application_killed_between_two_tables_of_a_collection(site, mark):
    strike(site, mark, ("application", "catalog.switch uc_dw_auditlog", "after"), engines=("submit", "threads"))


@pytest.mark.faults
def test_a_metastore_killed_while_days_are_published(site, mark):
    strike(site, mark, ("application", "catalog.switch uc_dw_auditlog", "after"), "metastore", engines=("threads", "threads"))


@pytest.mark.faults
def test_a_dagster_run_killed_while_it_publishes(site, tmp_path):
    """The whole of `dagster asset materialize`, by its own deployment, ended by SIGKILL as soon as a day is audited."""
    day = site.export()
    folder = tmp_path / "deployments"
    folder.mkdir()
    said = yaml.safe_load((PROJECT / "dataworks_assets/config/deployments/local.yaml").read_text())
    said |= {"name": "quick", "output": {**said.get("output", {}), "lease_ttl_seconds": LEASE_SECONDS}}
    (folder / "quick.yaml").write_text(yaml.safe_dump(said))
    scope = AdgScope(site.platform.settings, SnapshotType.INCREMENTAL)
    keys = ["/".join(scope.collections[name].key_path) for name in NAMES]
    own = {"DATAWORKS_CONFIG": str(tmp_path), "DATAWORKS_DEPLOYMENT": "quick", "DAGSTER_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", "dataworks_assets.definitions"]
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen(
            [*command, "--select", ",".join(keys), "--partition", day.isoformat()],
            env=os.environ | site.stack.environment() | own,
            stdout=log,
            stderr=log,
            cwd=PROJECT,
        )
        output_uri = f"{scope.output_uri}/{day.isoformat()}"
        while running.poll() is None and not _has_manifest(site, output_uri):
            time.sleep(0.02)
        running.kill()
    assert running.wait() == -9, (tmp_path / "log").read_text()[-3000:]
    _wait_until_alone(site)
    time.sleep(1.3 * LEASE_SECONDS)
    assert site.run(day, engine="submit")["code"] == 0
    assert site.wrong_tables(day) == []
    STRUCK["real processes: a run of Dagster killed"] += 1


def _has_manifest(site: Site, output_uri: str) -> bool:
    return any(listed.uri.endswith("/_manifest.json") for listed in site.platform.store.list(output_uri))


CALLS = [
    ("application", "store.metadata", "before"),
    ("application", "store.put .*/_manifest.json", "after"),
    ("application", "store.put .*/leases/", "after"),
    ("application", "catalog.switch analytical", "before"),
    ("application", "catalog.ensure_table|catalog.point", "after"),
    ("application", "store.put .*/_published.json", "before"),
    ("step", "store.put .*/leases/", "after"),
    ("step", "catalog.pointers", "before"),
    ("step", "dagster.log_event", "before"),
    ("step", "store.delete", "after"),
]


@pytest.mark.faults
@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_a_process_killed_at_a_boundary(site, mark, call):
    strike(site, mark, call)


@pytest.mark.faults
@pytest.mark.parametrize(
    "pattern", ["store.metadata", "store.put .*/_manifest.json", "catalog.switch uc_dw", "store.put .*/_pub"]
)
@pytest.mark.parametrize("victim", ["s3", "metastore"])
def test_a_service_killed_in_mid_run(site, mark, victim, pattern):
    strike(site, mark, ("application", pattern, "before"), victim)
