"""Showing what runs did: a table of what was published, one of what was refused and why, and the totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from dataworks_assets.cli.runs import DayOutcome, RunReport
from dataworks_assets.cli.showing import bytes_text, number, plural, table

_NUMBERS = ("Rows", "Files", "Input", "Output", "Task s")


def show_reports(console: Console, reports: Sequence[RunReport]) -> None:
    """Prints what some runs did, all in one table, and what they say of themselves where they failed without a refusal."""
    days = [day for report in reports for day in report.days]
    _show_published(console, [day for day in days if day.state == "published"])
    _show_refused(console, [day for day in days if day.state == "refused"])
    for report in reports:
        if not report.succeeded and not report.of_state("refused"):
            console.print(Text.assemble(("The run failed: ", "bold red"), report.error), soft_wrap=True)
    console.print(summary(reports), soft_wrap=True)


def summary(reports: Sequence[RunReport]) -> str:
    """Returns one line about some runs."""
    days = [day for report in reports for day in report.days]
    counts = {state: sum(day.state == state for day in days) for state in ("published", "unchanged", "refused")}
    seconds = sum(report.seconds for report in reports)
    if days and counts["unchanged"] == len(days):
        return (
            f"[bold green]Nothing had to be done[/]: {plural(len(days), 'collection-day')} published already ({seconds:.1f} s)."
        )
    rows = sum(day.rows for day in days if day.state == "published")
    read = bytes_text(sum(day.input_bytes for day in days))
    ids = ", ".join(report.run_id[:8] for report in reports)
    return (
        f"[bold]{counts['published']:,} published[/] ({rows:,} rows, {read} read), {counts['unchanged']:,} unchanged,"
        f" {counts['refused']:,} refused, in {seconds:.1f} s; run {ids}."
    )


def report_document(report: RunReport) -> dict[str, Any]:
    """Returns a report as plain values."""
    return asdict(report)


def _show_published(console: Console, days: Sequence[DayOutcome]) -> None:
    if not days:
        return
    shown = table("Asset", "Day", *_NUMBERS, right=_NUMBERS, title="Published")
    for day in sorted(days, key=lambda day: (day.scope, day.day, day.collection)):
        shown.add_row(
            f"{day.scope}/{day.collection}",
            day.day,
            number(day.rows),
            number(day.files),
            bytes_text(day.input_bytes),
            bytes_text(day.output_bytes),
            f"{day.seconds:.2f}",
        )
    console.print(shown)


def _show_refused(console: Console, days: Sequence[DayOutcome]) -> None:
    if not days:
        return
    shown = table("Asset", "Day", "Cause", "Where and what to do", title="Refused")
    for day in sorted(days, key=lambda day: (day.scope, day.day, day.collection)):
        remedy = Text("\n".join(filter(None, (day.where, day.remedy))), style="dim")
        shown.add_row(f"{day.scope}/{day.collection}", day.day, Text(day.cause, style="red"), remedy)
    console.print(shown)
