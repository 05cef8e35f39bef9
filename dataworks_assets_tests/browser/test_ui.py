"""What a user does in the UI: a backfill over collections and days, then what it says of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from dataworks_assets.engines.properties import PROJECT_FOLDER
from dataworks_assets_tests.browser.conftest import DAYS
from dataworks_assets_tests.browser.ui import Progress

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

FIRST, LAST = DAYS[0].isoformat(), DAYS[-1].isoformat()
FLIGHTS, WEATHER, BROKEN = "adg_full/transport/flights", "adg_full/transport/weather", "adg_full/broken/badJson"
_RUN_SECONDS = 240.0


@pytest.fixture(scope="module")
def backfill(ui):
    """Three collections and three days, launched by hand; gives the backfill's place once it is done."""
    query = 'group:"adg_full_transport" or key:"adg_full/broken/badJ*"'
    place = ui.launch_backfill(query, (FLIGHTS, WEATHER, BROKEN), (FIRST, LAST), picture="launch")
    ui.wait_for_progress(FLIGHTS, Progress(3, 3, 0, 0), seconds=_RUN_SECONDS)
    ui.wait_for_progress(BROKEN, Progress(3, 0, 2, 1), seconds=_RUN_SECONDS)
    return place


def test_a_backfill_publishes_what_is_well_and_fails_what_is_not(ui, backfill):
    ui.open(backfill)
    expect(ui.page.get_by_text("Failed", exact=True).last).to_be_visible()
    ui.wait_for_progress(FLIGHTS, Progress(3, 0, 3, 0), seconds=30)
    ui.wait_for_progress(WEATHER, Progress(3, 0, 3, 0), seconds=30)
    ui.wait_for_progress(BROKEN, Progress(3, 0, 2, 1), seconds=30)
    ui.take_picture("backfill")


def test_a_backfill_of_contiguous_days_is_one_run(ui, backfill):
    assert len(ui.runs_of(backfill)) == 1


def test_a_partition_shows_its_numbers_and_where_it_lies(ui, backfill):
    ui.open_partition(FLIGHTS, LAST)
    shown = ui.metadata()
    rows = int(shown["rows"])
    assert 10_000 < rows < 13_000
    assert shown["dagster/partition_row_count"] == shown["rows"]
    assert shown["input_files"] == "4"
    assert int(shown["input_bytes"]) > 100_000
    assert float(shown["seconds"]) > 0
    assert shown["location"].startswith(f"s3://dataworks-output/analytical-dataset/full/{LAST}/")
    ui.take_picture("partition")


def test_a_partition_is_in_step_with_its_export(ui, backfill):
    ui.open_partition(FLIGHTS, FIRST)
    expect(ui.page.get_by_text("Materialized", exact=True)).to_be_visible()
    expect(ui.page.get_by_text("Unsynced")).to_have_count(0)


def test_a_partition_has_a_preview_of_its_rows(ui, backfill):
    ui.open_partition(FLIGHTS, LAST)
    ui.page.get_by_text("Show Markdown").click()
    preview = ui.page.get_by_role("dialog")
    expect(preview.get_by_role("columnheader").first).to_have_text("id")
    expect(preview.get_by_role("cell").first).to_contain_text('"carrier"')


def test_a_failed_check_says_which_line_of_which_object_and_what_to_do(ui, backfill):
    ui.open(f"/assets/{BROKEN}?view=checks")
    page = ui.page
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    evidence = page.locator("tr").filter(has_text=f"ucdata/{LAST}/full/db.broken.badJson-000-256-000002")
    expect(evidence.last).to_contain_text("line 1")
    expect(evidence.last).to_contain_text("1 of 600 documents could not be decoded")
    expect(evidence.last).to_contain_text(f"dataworks quarantine broken/badJson --partition {LAST}")
    ui.take_picture("check")


def test_a_check_that_is_executed_says_the_same_again(ui, backfill):
    ui.open(f"/assets/{BROKEN}?view=checks")
    ui.page.get_by_text("Execute", exact=True).click()
    ui.page.get_by_text("View", exact=True).click()
    expect(ui.page.get_by_text("Success", exact=True).first).to_be_visible(timeout=_RUN_SECONDS * 1000)
    ui.open(f"/assets/{BROKEN}?view=checks")
    expect(ui.page.get_by_text("1 of 600 documents could not be decoded").first).to_be_visible()


def test_a_failed_day_is_shown_beside_those_that_were_published(ui, backfill):
    ui.open(f"/assets/{BROKEN}?view=partitions")
    for said in ("Failed (1)", "Materialized (2)"):
        expect(ui.page.get_by_text(said)).to_be_visible()


def test_only_what_failed_or_is_missing_is_done_again(ui, backfill):
    dialog = ui.choose_partitions('key:"adg_full/broken/badJ*"', (BROKEN,), (FIRST, LAST))
    dialog.get_by_text("Backfill only failed and missing partitions within selection").click()
    launch = dialog.get_by_role("button", name=re.compile("^Launch"))
    expect(launch).to_have_text("Launch 1 run")
    launch.click()
    ui.page.get_by_text("View", exact=True).click()
    ui.page.wait_for_url(re.compile("/runs/[0-9a-f-]{36}"))
    expect(ui.page.get_by_text("Failure", exact=True).first).to_be_visible(timeout=_RUN_SECONDS * 1000)
    expect(ui.page.get_by_text(LAST).first).to_be_visible()


def test_a_run_of_a_command_is_in_the_timeline_and_can_be_executed_again(ui, backfill, workplace):
    dataworks = str(Path(sys.executable).with_name("dataworks"))
    command = [dataworks, "adg", "run", "--day", FIRST, "-c", "transport/weather", "--force"]
    subprocess.run(command, env=workplace.child_environment(), cwd=PROJECT_FOLDER, check=True, timeout=_RUN_SECONDS)
    ui.open("/runs")
    runs = ui.page.locator("a[href^='/runs/']").filter(has_text=re.compile(r"^\s*[0-9a-f]{8}\s*$"))
    place = runs.first.get_attribute("href") or ""
    ui.open("/overview")
    expect(ui.page.get_by_text("Jobless asset materializations").first).to_be_visible()
    ui.open(place)
    ui.page.get_by_role("button", name="Re-execute all").click()
    ui.page.wait_for_url(lambda url: "/runs/" in url and not url.endswith(place))
    expect(ui.page.get_by_text("Success", exact=True).first).to_be_visible(timeout=_RUN_SECONDS * 1000)


def test_numbers_are_plotted_over_the_days(ui, backfill):
    ui.open(f"/assets/{FLIGHTS}")
    ui.page.get_by_text("Plots", exact=True).click()
    rows = ui.page.get_by_text("dagster/partition_row_count", exact=True)
    expect(rows).to_be_visible()
    expect(ui.page.locator("canvas").first).to_be_visible()
    ui.page.get_by_text("Metadata", exact=True).evaluate("element => element.scrollIntoView(true)")
    ui.take_picture("plots")


def test_lineage_begins_at_the_export(ui, backfill):
    ui.page.set_viewport_size({"width": 1100, "height": 1050})
    ui.open("/locations/dataworks/asset-groups/adg_full_transport")
    for name in ("full", "airlines", "airports", "flights", "planes", "weather"):
        expect(ui.page.get_by_text(name, exact=True).first).to_be_visible()
    for _ in range(6):
        ui.page.get_by_role("img", name="zoom_out").click()
    ui.take_picture("lineage")
