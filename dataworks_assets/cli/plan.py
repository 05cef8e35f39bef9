"""`dataworks plan`: what a run would read and do, and why. Nothing is changed, and no data object is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import typer
from rich.text import Text

from dataworks_assets.cli.selection import (
    CollectionsOption,
    DaysOption,
    JsonOption,
    NarrowTypeOption,
    SystemOption,
    in_one_room,
    parse_days,
    refuse_days_of_none,
)
from dataworks_assets.cli.showing import bytes_text, decision_text, finding_text, number, plural, table, write_json
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.engines.emr.forecast import Forecast, forecast
from dataworks_assets.systems.plan import Decision, Plan, PlannedDay, Request
from dataworks_assets.systems.refusals import Refusal, read_refusals
from dataworks_assets.systems.rooms import Room
from dataworks_assets.systems.scope import Scope, Scoped

_MOST_NAMED = 10

app = typer.Typer()

Refusals = dict[tuple[str, str], Refusal]


@app.command()
def plan(
    ctx: typer.Context,
    system: SystemOption = None,
    snapshot_type: NarrowTypeOption = None,
    day: DaysOption = None,
    collection: CollectionsOption = None,
    s3_prefix: Annotated[str | None, typer.Option(help="Prefix of the data files in place of the configured one.")] = None,
    force: Annotated[bool, typer.Option(help="As if what is published had to be done again.")] = False,
    work_only: Annotated[bool, typer.Option("--work", help="Show only what there is to do.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a run would read and do, and why: new, changed, unchanged, not exported, held, refused before.

    Without --day: the seven newest days that were exported; of Kickstart the days that a catch-up would do.

    [bold]Examples[/]

    dataworks plan --day 2026-11-20

    dataworks plan --type incremental --day 2026-11-18...2026-11-20 --collection 'core/*'

    dataworks plan --collection 'kickstart/vacancy/*'
    """
    workplace = workplace_of(ctx)
    room, chosen = in_one_room(workplace.rooms(system, snapshot_type), collection)
    scope, names = room.scope, tuple(scoped.name for scoped in chosen)
    if day and not any(scoped.has_day(each) for scoped in chosen for each in parse_days(day)):
        refuse_days_of_none(chosen, parse_days(day))
    made = make_plan(workplace, room, Request(names, days_or_usual(room, chosen, day), s3_prefix=s3_prefix, force=force))
    refusals = read_refusals(workplace.platform.store, scope)
    if as_json:
        write_json(plan_document(scope, made, refusals, started_by(workplace, made)))
        return
    if not made.days:
        workplace.console.print(room.idle)
        return
    show_plan(workplace, scope, made, refusals, work_only=work_only)


def days_or_usual(room: Room, collections: Sequence[Scoped], texts: list[str] | None) -> tuple[date, ...]:
    """Returns the days that were asked for; those that the system usually plans where none were."""
    return parse_days(texts) if texts else room.usual_days(collections)


def make_plan(workplace: Workplace, room: Room, request: Request) -> Plan:
    """Returns the plan of a request, saying meanwhile what is being done."""
    with workplace.notes.status(f"Listing what came and what is published of {room.scope.name} …"):
        return room.planner().plan(request)


def started_by(workplace: Workplace, made: Plan) -> Forecast | None:
    """Returns what a run of the plan would start on EMR; None where it has nothing to do, or does not run there."""
    emr = workplace.settings.deployment.engine.emr
    if emr is None or not made.work:
        return None
    snapshot_type = made.work[0].collection.job.snapshot_type
    return forecast(emr, snapshot_type=snapshot_type, days=len({planned.day for planned in made.work}))


def refused_before(planned: PlannedDay, refusals: Refusals) -> Refusal | None:
    """Returns the refusal of these very inputs and this configuration, if there was one."""
    found = refusals.get((planned.collection.name, planned.day.isoformat()))
    return found if found and found.is_of(planned.fingerprint, planned.collection.audit_hash) else None


def show_plan(workplace: Workplace, scope: Scope, made: Plan, refusals: Refusals, *, work_only: bool) -> None:
    """Prints a plan: a line a collection and day, then what there is to do in all."""
    console = workplace.console
    shown = made.work if work_only else made.days
    rows = table(
        "Collection", "Day", "Decision", "Why", "Files", "Input", right=("Files", "Input"), title=f"Plan of {scope.name}"
    )
    for planned in shown:
        rows.add_row(*_cells(planned, refusals))
    console.print(rows)
    console.print(_totals(made), soft_wrap=True)
    if (started := started_by(workplace, made)) is not None:
        console.print(started.text(), soft_wrap=True)
    for line in made.left_alone(_MOST_NAMED):
        console.print(line, style="yellow", markup=False, soft_wrap=True)


def _cells(planned: PlannedDay, refusals: Refusals) -> tuple[str | Text, ...]:
    why = Text(planned.reason)
    for finding in planned.findings:
        why.append(f"\n{finding.check}: {finding_text(finding)}", style="red")
    if (refusal := refused_before(planned, refusals)) is not None:
        cause = finding_text(refusal.findings[0]) if refusal.findings else "its data"
        why.append(f"\nrefused before ({refusal.refused_utc}): {cause}", style="red")
    reads = planned.decision.needs_work
    return (
        planned.collection.name,
        planned.day.isoformat(),
        decision_text(planned.decision),
        why,
        number(len(planned.files)) if reads else "",
        bytes_text(planned.input_bytes) if reads else "",
    )


def _totals(made: Plan) -> str:
    counts = Counter(planned.decision for planned in made.days)
    said = ", ".join(f"{counts[decision]:,} {decision}" for decision in Decision if counts[decision])
    if not made.work:
        return f"[bold]Nothing to {'read' if counts[Decision.CHANGED_TAGS] else 'do'}[/]: {said}."
    files = sum(len(planned.files) for planned in made.work)
    read = bytes_text(sum(planned.input_bytes for planned in made.work))
    return f"[bold]{plural(len(made.work), 'collection-day')} to do[/], {plural(files, 'file')}, {read} to read: {said}."


def plan_document(scope: Scope, made: Plan, refusals: Refusals, started: Forecast | None = None) -> dict[str, Any]:
    """Returns a plan as plain values."""
    return {
        "snapshot_type": str(scope.snapshot_type),
        "days": [_day_document(planned, refusals) for planned in made.days],
        "to_do": len(made.work),
        "files": sum(len(planned.files) for planned in made.work),
        "input_bytes": sum(planned.input_bytes for planned in made.work),
        "unconfigured_topics": list(made.unconfigured_topics),
        "foreign_objects": list(made.foreign_objects),
        "cluster": {"size": started.size, "nodes": started.nodes, "usd_an_hour": started.usd_an_hour} if started else None,
    }


def _day_document(planned: PlannedDay, refusals: Refusals) -> dict[str, Any]:
    return {
        "collection": planned.collection.name,
        "export_date": planned.day.isoformat(),
        "decision": str(planned.decision),
        "reason": planned.reason,
        "files": len(planned.files),
        "input_bytes": planned.input_bytes,
        "findings": [finding.cause for finding in planned.findings],
        "refused_before": refused_before(planned, refusals) is not None,
        "published_rows": planned.published.rows if planned.published else None,
    }
