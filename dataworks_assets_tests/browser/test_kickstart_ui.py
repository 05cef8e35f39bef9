"""Kickstart in the UI: a backfill over the partner's days, what changed in a schema and when, a run by dates."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from dataworks_assets.stack.sample.partner import ADDED_DAY, MISSING_DAY
from dataworks_assets_tests.browser.ui import Progress

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

VACANCIES, PAYMENTS = "kickstart/vacancy/vacancies", "kickstart/payment/payments"
_RUN_SECONDS = 240.0


@pytest.fixture(scope="module")
def backfill(ui, partner_days):
    """Two collections over all days, launched by hand; gives the backfill's place once it is done."""
    ui.page.set_viewport_size({"width": 1440, "height": 900})
    first, last = partner_days[0].isoformat(), partner_days[-1].isoformat()
    place = ui.launch_backfill('group:"kickstart_vacancy" or group:"kickstart_payment"', (VACANCIES, PAYMENTS), (first, last))
    ui.wait_for_progress(VACANCIES, Progress(len(partner_days), 0, len(partner_days), 0), seconds=_RUN_SECONDS)
    return place


def test_a_backfill_publishes_every_day_but_the_missing_one_and_what_waits_behind_it(ui, backfill, partner_days):
    ui.open(backfill)
    behind = MISSING_DAY + 1
    ui.wait_for_progress(PAYMENTS, Progress(len(partner_days), 0, len(partner_days) - behind, behind), seconds=30)


def test_the_missing_day_says_which_file_is_not_there(ui, backfill, partner_days):
    ui.open(f"/assets/{PAYMENTS}?view=checks")
    expect(ui.page.get_by_text("the schema follows the days in their order").first).to_be_visible()
    expect(ui.page.get_by_text(f"Mend {partner_days[-1 - MISSING_DAY]} first").first).to_be_visible()


def test_a_change_of_the_schema_is_in_the_history_with_before_and_after(ui, backfill, partner_days):
    day = partner_days[-1 - ADDED_DAY].isoformat()
    ui.open(f"/assets/{VACANCIES}?view=events")
    ui.page.get_by_text(day, exact=True).first.click()
    expect(ui.page.get_by_text("The schema changed:").first).to_be_visible()
    row = ui.page.locator("tr").filter(has_text="schema_changes")
    expect(row.last).to_contain_text("added")
    expect(ui.page.get_by_text("columns_added", exact=True)).to_be_visible()
    ui.take_picture("schema")


def test_a_run_by_dates_is_configured_in_the_launchpad(ui, backfill, partner_days):
    ui.open("/locations/dataworks/jobs/kickstart_run/playground")
    shown = ui.page.locator(".CodeMirror-code").last
    for field in ("START_DT", "END_DT", "CLEAN_UP_FLG", "E2E_TEST_FLG", "module"):
        expect(shown).to_contain_text(field)
    days = f"      START_DT: '{partner_days[0]}'\n      END_DT: '{partner_days[1]}'\n"
    ui.configure(f"ops:\n  kickstart_by_dates:\n    config:\n      module: APPLICATION\n{days}")
    expect(ui.page.get_by_text("No errors")).to_be_visible()
    ui.take_picture("launchpad")
    ui.page.get_by_role("button", name="Launch Run").click()
    expect(ui.page.get_by_text("Success", exact=True).first).to_be_visible(timeout=_RUN_SECONDS * 1000)
    ui.open("/assets/kickstart/application/applicants?view=partitions")
    expect(ui.page.get_by_text("Materialized (2)")).to_be_visible()


def test_a_module_that_is_none_is_said_before_anything_runs(ui, backfill):
    ui.open("/locations/dataworks/jobs/kickstart_run/playground")
    ui.configure("ops:\n  kickstart_by_dates:\n    config:\n      module: NOWHERE\n")
    expect(ui.page.get_by_text("NOWHERE").last).to_be_visible()
    expect(ui.page.get_by_text("No errors")).to_have_count(0)


def test_a_modules_files_are_named_by_their_badge(ui, partner_days):
    for module in ("vacancy", "application", "payment"):
        ui.open(f"/locations/dataworks/asset-groups/kickstart_{module}")
        expect(ui.page.get_by_text(f"{module}-files", exact=True).first).to_be_visible()
