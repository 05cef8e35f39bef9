"""The tables that a run ends with."""

import io

import pytest
from rich.console import Console

from dataworks_assets.cli.reports import show_reports
from dataworks_assets.cli.runs import DayOutcome, RunReport


def refused(day, cause, *, check="read", remedy="Have the producer export this day again"):
    return DayOutcome("adg_full", "core/statement", day, "refused", check=check, cause=cause, remedy=remedy)


@pytest.fixture
def shown():
    """Returns what is printed of some days."""

    def show(*days):
        console = Console(file=io.StringIO(), width=200)
        show_reports(console, [RunReport(run_id="0123456789", succeeded=False, seconds=1.0, days=days)])
        return console.file.getvalue()

    return show


def test_days_that_failed_alike_are_one_line_with_the_newest_cause(shown):
    text = shown(refused("2026-11-19", "the file holds 3 documents"), refused("2026-11-20", "the file holds 4 documents"))
    assert "2026-11-19 … 2026-11-20 (2)" in text
    assert "holds 4" in text
    assert "holds 3" not in text


def test_another_cause_of_the_same_check_is_a_line_of_its_own(shown):
    text = shown(
        refused("2026-11-19", "the object ends before its gzip stream does"),
        refused("2026-11-20", "the day was not exported", remedy="Have the producer export the day"),
    )
    assert text.index("the object ends") < text.index("the day was not exported")
