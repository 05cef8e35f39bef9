"""Showing what runs did: a table of what was published, one of what was refused and why, and the totals."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from dataworks_assets.cli.hints import as_typed
from dataworks_assets.cli.runs import DayOutcome, RunReport
from dataworks_assets.cli.showing import bytes_text, days_text, number, plural, short_text, table
from dataworks_assets.systems.comparing import OTHER_TAGS

_LONG_TABLE = 30
_FIGURES = re.compile(r"\S*\d\S*")
_NUMBERS = ("Rows", "Input", "Output", "Output files", "Task s")


def show_reports(console: Console, reports: Sequence[RunReport], *, held: int = 0) -> None:
    """Prints what some runs did in one table, and the error of runs that failed without a refusal.

    Args:
        console: where.
        reports: of the runs.
        held: how many collections were asked for that an operator holds: no run did anything with them.
    """
    days = [day for report in reports for day in report.days]
    _show_published(console, [day for day in days if day.state == "published"])
    _show_refused(console, [day for day in days if day.state == "refused"])
    for report in reports:
        if not report.succeeded and not report.of_state("refused"):
            ended = "was cancelled" if report.was_cancelled else "failed"
            console.print(Text.assemble((f"The run {ended}: ", "bold red"), as_typed(report.error)), soft_wrap=True)
    console.print(summary(reports, held=held), soft_wrap=True)


def summary(reports: Sequence[RunReport], *, held: int = 0) -> str:
    """Returns one line about some runs."""
    days = [day for report in reports for day in report.days]
    counts = {state: sum(day.state == state for day in days) for state in ("published", "unchanged", "refused")}
    seconds = sum(report.seconds for report in reports)
    with_tags = sum(day.state == "unchanged" and day.cause == OTHER_TAGS for day in days)
    tagged = f", {with_tags:,} with other tags from now on" if with_tags else ""
    left = f", {plural(held, 'collection')} held" if held else ""
    if days and counts["unchanged"] == len(days):
        there = f"{plural(len(days), 'collection-day')} published already{tagged}{left}"
        return f"[bold green]Nothing had to be {'read' if tagged else 'done'}[/]: {there} ({seconds:.1f} s)."
    rows = sum(day.rows for day in days if day.state == "published")
    read = bytes_text(sum(day.input_bytes for day in days))
    ids = ", ".join(report.run_id[:8] for report in reports)
    return (
        f"[bold]{counts['published']:,} published[/] ({rows:,} rows, {read} read), {counts['unchanged']:,} unchanged{tagged},"
        f" {counts['refused']:,} not published{left}, in {seconds:.1f} s; run {ids}."
    )


def report_document(report: RunReport) -> dict[str, Any]:
    """Returns a report as plain values."""
    return asdict(report)


def _show_published(console: Console, days: Sequence[DayOutcome]) -> None:
    """One line a day; where they are many, one line an asset with the sums of its days."""
    if not days:
        return
    is_long = len(days) > _LONG_TABLE
    shown = table("Asset", "Days" if is_long else "Day", *_NUMBERS, right=_NUMBERS, title="Published")
    for (asset, *_), group in _grouped(days, lambda day: (_asset(day), "" if is_long else day.day)):
        shown.add_row(
            asset,
            days_text([day.day for day in group]),
            number(sum(day.rows for day in group)),
            bytes_text(sum(day.input_bytes for day in group)),
            bytes_text(sum(day.output_bytes for day in group)),
            number(sum(day.files for day in group)),
            f"{sum(day.seconds for day in group):.2f}",
        )
    console.print(shown)


def _show_refused(console: Console, days: Sequence[DayOutcome]) -> None:
    """One line an asset and kind of failure, with the cause of the newest day."""
    if not days:
        return
    shown = table("Asset", "Days", "Cause", "Where and what to do", title="Not published")
    for (asset, _), group in _grouped(days, lambda day: (_asset(day), _kind(day))):
        newest = group[-1]
        where = short_text(newest.where)
        remedy = Text("\n".join(filter(None, (where, as_typed(newest.remedy)))), style="dim")
        shown.add_row(asset, days_text([day.day for day in group]), Text(short_text(newest.cause), style="red"), remedy)
    console.print(shown)


def _grouped(
    days: Sequence[DayOutcome], key: Callable[[DayOutcome], tuple[str, str]]
) -> list[tuple[tuple[str, str], list[DayOutcome]]]:
    """Returns the days by key, an asset's groups by their oldest day, each group from its oldest to its newest."""
    groups: dict[tuple[str, str], list[DayOutcome]] = defaultdict(list)
    for day in sorted(days, key=lambda day: day.day):
        groups[key(day)].append(day)
    return sorted(groups.items(), key=lambda group: (group[0][0], group[1][0].day))


def _kind(day: DayOutcome) -> str:
    """Returns what days have in common that failed alike: causes that differ in figures and names of objects alone."""
    return " ".join([day.check, *(_FIGURES.sub("…", text) for text in (day.cause, day.remedy))])


def _asset(day: DayOutcome) -> str:
    return f"{day.scope}/{day.collection}"
