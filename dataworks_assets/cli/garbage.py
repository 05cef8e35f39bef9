"""`dataworks collect-garbage`: delete what no table shows any more, and drop days past their retention."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated

import typer

from dataworks_assets.cli.selection import JsonOption, OneTypeOption, SystemOption
from dataworks_assets.cli.showing import bytes_text, number, plural, table, write_json
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.systems.scope import Scope
from spark.publish.garbage import GarbageReport

app = typer.Typer()


@app.command("collect-garbage")
def collect_garbage(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, change nothing.")] = False,
    system: SystemOption = None,
    snapshot_type: OneTypeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete attempts that nothing shows any more, and drop days that are older than their collection's retention.

    What the catalog shows, what a run holds and what is younger than any run may last is never touched.

    [bold]Examples[/]

    dataworks collect-garbage --dry-run

    dataworks collect-garbage --type full

    dataworks collect-garbage --system kickstart
    """
    from dataworks_assets.systems import housekeeping

    workplace = workplace_of(ctx)
    reports = [
        (room.scope, housekeeping.collect_garbage(workplace.platform, room.scope, dry_run=dry_run))
        for room in workplace.rooms(system, snapshot_type)
    ]
    if as_json:
        write_json({scope.name: _document(report) for scope, report in reports})
        return
    for scope, report in reports:
        _show(workplace, scope, report, dry_run=dry_run)


def _show(workplace: Workplace, scope: Scope, report: GarbageReport, *, dry_run: bool) -> None:
    verb = "would be removed" if dry_run else "removed"
    if report.removed:
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for item in report.removed:
            groups[item.collection, item.reason].append(item.attempt.size_bytes)
        rows = table("Collection", "Why", "Attempts", "Size", right=("Attempts", "Size"), title=f"{scope.name}: {verb}")
        for (name, reason), sizes in sorted(groups.items()):
            rows.add_row(name, reason, number(len(sizes)), bytes_text(sum(sizes)))
        workplace.console.print(rows)
    for name, day in report.dropped:
        workplace.console.print(f"{name} {day}: older than is kept; {'would leave' if dry_run else 'left'} the catalog")
    for name, day, error in report.spared:
        workplace.console.print(f"{name} {day} is spared: {error}", style="yellow", markup=False, soft_wrap=True)
    if report.unknown:
        said = plural(len(report.unknown), "attempt")
        workplace.console.print(
            f"{said} of tables that no configured collection fills (those of options that are off are not): left alone.",
            style="yellow",
        )
    attempts = plural(len(report.removed), "attempt")
    workplace.console.print(f"{scope.name}: {attempts}, {bytes_text(report.removed_bytes)} {verb}.")


def _document(report: GarbageReport) -> dict[str, object]:
    return {
        "removed": [
            {
                "collection": item.collection,
                "location": item.attempt.location,
                "bytes": item.attempt.size_bytes,
                "why": item.reason,
            }
            for item in report.removed
        ],
        "dropped": [list(item) for item in report.dropped],
        "spared": [[name, day, str(error)] for name, day, error in report.spared],
        "unknown": [item.location for item in report.unknown],
    }
