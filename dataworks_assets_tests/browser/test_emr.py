"""The same UI over the emulated EMR: a backfill to its end, its log, and one that is terminated in the middle."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from itertools import product

import psutil
import pytest
from playwright.sync_api import expect

from dataworks_assets.cli.deploy import deploy_artefacts
from dataworks_assets.cli.sample import sample_request
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.stack import lifecycle
from dataworks_assets.stack.emr import service as emr_service
from dataworks_assets.stack.sample.export import write_sample
from dataworks_assets.systems.clusters import clusters_of
from dataworks_assets_tests.browser.conftest import DAYS, opened, served
from dataworks_assets_tests.browser.ui import Progress
from dataworks_assets_tests.conftest import JARS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

QUERY = 'group:"adg_full_transport"'
NAMES = ("transport/flights", "transport/weather")
FLIGHTS, WEATHER = ASSETS = tuple(f"adg_full/{name}" for name in NAMES)
USUAL = DAYS[-2:]
LARGE = tuple(DAYS[0] - timedelta(days=back) for back in (2, 1))
FIRST, SECOND = (day.isoformat() for day in USUAL)
EARLY, LATE = (day.isoformat() for day in LARGE)
SMALL_BYTES = 4096
"""Of a data file of the days that are cancelled: each has more than a thousand, so that there is time for it."""
_RUN_SECONDS = 300.0
_STARTS_MS = 180_000


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """The deployment `emulated` on a stack of its own: a deployment belongs to one Dagster."""
    home = tmp_path_factory.mktemp("emulated")
    (home / "jars").symlink_to(JARS)
    folder = home / emr_service.NAME
    folder.mkdir()
    (folder / emr_service.DELAYS_FILE).write_text(json.dumps({"starting": 0.5, "terminating": 0.5}))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DAGSTER_HOME", raising=False)
        patch.setenv("DATAWORKS_HOME", str(home))
        patch.setenv("DATAWORKS_DEPLOYMENT", "emulated")
        try:
            state = lifecycle.up(home, jars_directory=JARS, wanted=[emr_service.NAME])
            for name, value in state.environment().items():
                patch.setenv(name, value)
            made = Workplace("emulated")
            deploy_artefacts(made)
            yield made
        finally:
            lifecycle.down(home)


@pytest.fixture(scope="module")
def truths(workplace):
    """What the exports hold, by day: two days as usual, and two of very many small files."""
    platform = workplace.platform
    topics = tuple(f"db.{name.replace('/', '.')}" for name in NAMES)
    usual = sample_request(platform.running.deployment, USUAL, snapshot_types=("full",), topics=topics)
    large = sample_request(platform.running.deployment, LARGE, snapshot_types=("full",), topics=topics)
    requests = (usual, replace(large, batch_bytes=SMALL_BYTES))
    written = [write_sample(platform.store, platform.key_service_settings, request) for request in requests]
    return {each.truth.export_date: each.truth for summary in written for each in summary.exports}


@pytest.fixture(scope="module")
def url(workplace, truths):
    """Where Dagster's UI is."""
    with served(workplace) as address:
        yield address


@pytest.fixture(scope="module")
def ui(url, browser):
    """The UI."""
    with opened(browser, url) as page:
        yield page


@pytest.fixture(scope="module")
def backfill(ui):
    """Two collections and two days, launched by hand; gives the backfill's place once it is done."""
    place = ui.launch_backfill(QUERY, ASSETS, (FIRST, SECOND))
    for asset in ASSETS:
        ui.wait_for_progress(asset, Progress(2, 0, 2, 0), seconds=_RUN_SECONDS)
    return place


@pytest.fixture(scope="module")
def run(ui, backfill):
    """The place of the backfill's one run."""
    (place,) = ui.runs_of(backfill)
    return place


@pytest.fixture(scope="module")
def cancelled(ui, backfill):
    """The place of a run of both large days that was terminated in the UI while its application read."""
    (place,) = ui.runs_of(ui.launch_backfill(QUERY, ASSETS, (EARLY, LATE)))
    ui.open(place)
    expect(ui.page.get_by_text(re.compile(r"^\d+ of \d+ files")).first).to_be_visible(timeout=_STARTS_MS)
    ui.take_picture("emr-run")
    ui.page.get_by_role("button", name="Terminate").click()
    ui.page.get_by_role("dialog").get_by_role("button", name=re.compile("Terminate")).click()
    expect(ui.page.get_by_text("Canceled", exact=True).first).to_be_visible(timeout=_STARTS_MS)
    return place


def seen(workplace, place):
    """Every cluster that EMR made for a run, with its steps' states."""
    calls = clusters_of(workplace.platform).calls
    found = [each for each in calls.list_clusters() if place.rpartition("/")[2] in each.name]
    return [(cluster.state, [step.state for step in calls.list_steps(cluster.id)]) for cluster in found]


def exported_rows(truths, name, day):
    """Rows of a collection's day as its producer wrote them."""
    return truths[day].of(f"db.{name.replace('/', '.')}").rows


def published_rows(workplace, name, day):
    """Rows of a collection's day that readers see; None where there is no such day."""
    main = workplace.scope(SnapshotType.FULL).collections[name].job.tables[0]
    pointer = workplace.platform.catalog.pointers(main.database, main.name).get(day)
    return pointer.rows if pointer else None


def status_rows(workplace, day):
    tables = workplace.platform.status_tables
    (row,) = tables.rows("data_pipeline_metadata", where={"Date": day})
    parts = tables.rows("UCExportToCrownStatus", key=("CorrelationId", str(row["Correlation_Id"])), where={})
    return row["Status"], {str(part["ADGStatus"]) for part in parts}


def test_a_backfill_is_one_cluster_that_ends_with_it(workplace, run):
    assert seen(workplace, run) == [("TERMINATED", ["COMPLETED"])]


def test_what_a_backfill_published_is_what_was_exported(workplace, truths, backfill):
    for day, name in product((FIRST, SECOND), NAMES):
        assert published_rows(workplace, name, day) == exported_rows(truths, name, day)


def test_a_run_opens_the_log_of_its_application(ui, run):
    ui.open(run)
    events = ui.page.get_by_placeholder("Filter…")
    events.fill("The application runs on cluster")
    events.press("Enter")
    with ui.page.expect_popup() as popup:
        ui.page.locator("a[href*='/stdout.gz']").first.click()
    expect(popup.value.get_by_text("time taken for transport/flights").first).to_be_visible()
    popup.value.close()


def test_a_run_shows_its_progress(ui, run):
    ui.open(run)
    expect(ui.page.get_by_text(re.compile(r"^(\d+) of \1 files, .* 4 of 4 days$")).first).to_be_visible()


def test_a_partition_opens_the_same_log(ui, run):
    ui.open_partition(FLIGHTS, SECOND)
    assert re.search("/steps/s-.*/stdout.gz", ui.metadata()["log"])


def test_a_run_that_is_terminated_takes_step_cluster_and_application_with_it(workplace, cancelled):
    ((cluster, steps),) = seen(workplace, cancelled)
    assert (cluster, steps) == ("TERMINATED", ["CANCELLED"])
    run_id = cancelled.rpartition("/")[2]
    words = [word for process in psutil.process_iter(["cmdline"]) for word in process.info["cmdline"] or ()]
    assert not [word for word in words if run_id in word]


def test_a_run_that_is_terminated_publishes_nothing_half(workplace, truths, cancelled):
    for day, name in product((EARLY, LATE), NAMES):
        assert published_rows(workplace, name, day) in {None, exported_rows(truths, name, day)}


def test_a_run_that_is_terminated_counts_as_failed_in_the_ledger(workplace, cancelled):
    status, parts = status_rows(workplace, LATE)
    assert status == "FAILED"
    assert "Failed_Processing" in parts
    assert parts <= {"Failed_Processing", "Failed_Publishing", "Completed"}


def test_days_that_were_cancelled_are_done_by_the_next_run(ui, workplace, truths, cancelled):
    ui.launch_backfill(QUERY, ASSETS, (EARLY, LATE))
    for asset in ASSETS:
        ui.wait_for_progress(asset, Progress(2, 0, 2, 0), seconds=_RUN_SECONDS)
    for day, name in product((EARLY, LATE), NAMES):
        assert published_rows(workplace, name, day) == exported_rows(truths, name, day)
