"""Real processes killed by SIGKILL over the real stack: after the leases' few seconds a plain retry gives the right rows."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.stack import lifecycle
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets_tests.conftest import JARS
from dataworks_assets_tests.faults.blows import SELF, Blow
from dataworks_assets_tests.faults.counts import STRUCK
from dataworks_assets_tests.faults.sites import NAMES, PROJECT, AdgSite, KickstartSite, LoopingReader, Site
from dataworks_assets_tests.faults.struck_step import LEASE_SECONDS

pytestmark = pytest.mark.timeout(600)

REAL = ("submit", "submit")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("struck")
    state = lifecycle.up(folder, jars_directory=JARS)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in state.environment().items():
            patch.setenv(name, value)
        try:
            yield folder
        finally:
            lifecycle.down(folder)


@pytest.fixture(scope="module")
def site(home):
    return AdgSite(home)


@pytest.fixture(scope="module")
def kickstart_site(home):
    return KickstartSite(home)


def strike(site: Site, mark: Path, call: tuple[str, str, str], victim: str = SELF, *, engines: tuple[str, str] = REAL) -> None:
    """A run comes to a blow; the stack is brought up whenever it is down; then a plain retry puts everything right.

    `call` is whose call, which one, and the moment; `engines` are the struck run's and the retry's.
    """
    told = site.deliver()
    process, pattern, moment = call
    blow = Blow(process, pattern, moment, victim, str(mark), str(site.home))
    with LoopingReader(site, site.tables(told)) as reader:
        running = site.start(told, blow, engine=engines[0])
        while running.poll() is None:
            if victim != SELF and mark.exists():
                _ = site.stack
            time.sleep(0.2)
        running.communicate()
        assert mark.exists(), "the blow never came"
        _ = site.stack
        _wait_until_alone(site)
        time.sleep(1.3 * LEASE_SECONDS)
        retried = site.run(told, engine=engines[1])
    assert retried["code"] == 0, retried
    assert site.wrong_tables(told) == []
    assert (reader.wrong, reader.looks > 0) == ([], True)
    STRUCK[f"real processes of {site.system}: {victim} killed {moment} a call of the {process}"] += 1


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
    told = (day.isoformat(), *NAMES)
    assert site.run(told, engine="submit")["code"] == 0
    assert site.wrong_tables(told) == []
    STRUCK["real processes of adg: a run of Dagster killed"] += 1


def _has_manifest(site: Site, output_uri: str) -> bool:
    return any(listed.uri.endswith("/_manifest.json") for listed in site.platform.store.list(output_uri))


CALLS = {
    "site": [
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
    ],
    "kickstart_site": [  # days whose schema changes
        ("application", "source.metadata", "after"),
        ("application", "catalog.describe_many", "before"),
        ("application", "catalog.ensure_table", "before"),
        ("application", "catalog.ensure_table", "after"),
        ("application", "store.put .*/_manifest.json", "after"),
        ("application", "store.put .*/leases/", "before"),
        ("application", "catalog.switch", "before"),
        ("application", "catalog.switch", "after"),
        ("application", "store.put .*/_published.json", "before"),
        ("step", "store.put .*/leases/", "after"),
        ("step", "dagster.log_event", "before"),
        ("step", "store.delete", "after"),
    ],
}
"""Where a process is killed, by the fixture of what is run."""
SERVICE_CALLS = {
    "site": ["store.metadata", "store.put .*/_manifest.json", "catalog.switch uc_dw", "store.put .*/_pub"],
    "kickstart_site": ["catalog.switch", "store.put .*/_manifest.json"],
}
"""Before which calls of the application a service is killed."""


def cases(calls):
    return [pytest.param(name, call, id=f"{name} {call}") for name, of_it in calls.items() for call in of_it]


@pytest.mark.faults
@pytest.mark.parametrize(("name", "call"), cases(CALLS))
def test_a_process_killed_at_a_boundary(request, mark, name, call):
    strike(request.getfixturevalue(name), mark, call)


@pytest.mark.faults
@pytest.mark.parametrize(("name", "pattern"), cases(SERVICE_CALLS))
@pytest.mark.parametrize("victim", ["s3", "metastore"])
def test_a_service_killed_in_mid_run(request, mark, victim, name, pattern):
    strike(request.getfixturevalue(name), mark, ("application", pattern, "before"), victim)
