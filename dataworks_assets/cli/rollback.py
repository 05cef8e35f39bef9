"""`dataworks rollback`: point a day back at an earlier attempt whose files still exist."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from dataworks_assets.cli.selection import COLLECTION_HELP, NarrowTypeOption, SystemOption, parse_days, the_one
from dataworks_assets.cli.showing import bytes_text, number, table
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.systems.holds import hold
from dataworks_assets.systems.leasing import held_leases, owner_name
from dataworks_assets.systems.scope import Scope, Scoped
from spark.errors import NotFoundError
from spark.publish.intent import PublishContext
from spark.publish.manifest import AttemptManifest
from spark.publish.rollback import Rollback, attempts_of
from spark.publish.switch import Publisher

app = typer.Typer()


@app.command()
def rollback(
    ctx: typer.Context,
    collection: Annotated[str, typer.Argument(help=COLLECTION_HELP)],
    day: Annotated[str, typer.Option("--day", "--partition", "-D", help="Day: the export date, or the day of upload.")],
    system: SystemOption = None,
    snapshot_type: NarrowTypeOption = None,
    attempt: Annotated[str | None, typer.Option(help="Which attempt; by default the one before what is published.")] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Only list the attempts that still exist.")] = False,
    and_hold: Annotated[
        bool, typer.Option("--hold/--no-hold", help="Hold the collection, so that the next run does not do the day again.")
    ] = True,
) -> None:
    """Point a day back at an earlier attempt. Nothing is copied or deleted; readers see it from one moment to the next.

    [bold]Examples[/]

    dataworks rollback core/statement --day 2026-11-20 --list

    dataworks rollback core/statement --day 2026-11-20

    dataworks rollback kickstart/vacancy/vacancies --day 2026-11-20 --attempt 20261121T051200-1f2e3d4c
    """
    workplace = workplace_of(ctx)
    room, chosen = the_one(workplace.rooms(system, snapshot_type), collection)
    scope = room.scope
    date_text = parse_days([day])[0].isoformat()
    attempts = attempts_of(workplace.platform.store, scope.output_uri, chosen.job, date_text)
    shown = published_attempt(workplace, chosen, date_text)
    if list_only:
        _list(workplace, scope, chosen, date_text, attempts, shown)
        return
    target = attempt or _one_before(attempts, shown, chosen.name, date_text)
    point_back(workplace, scope, chosen, date_text, target)
    workplace.console.print(
        f"{scope.name}/{chosen.name} of {date_text} shows attempt [bold]{target}[/] (before: {shown or 'none'})."
    )
    if and_hold:
        hold(workplace.platform.store, scope, chosen.name, reason=f"{date_text} rolled back to {target}", by=getpass.getuser())
        release = f"dataworks release {scope.name}/{chosen.name}"
        workplace.console.print(f"It is held: `{release}` lets runs publish it again.", soft_wrap=True)


def published_attempt(workplace: Workplace, collection: Scoped, day: str) -> str:
    """Returns the attempt that the catalog shows for a day, empty where it shows none."""
    main = collection.job.tables[0]
    pointer = workplace.platform.catalog.pointers(main.database, main.name, [day]).get(day)
    return pointer.attempt if pointer else ""


def point_back(workplace: Workplace, scope: Scope, collection: Scoped, day: str, attempt: str) -> None:
    """Makes all tables of a collection show an attempt of a day.

    Raises:
        NotFoundError: there is no such attempt, or some of its files are gone.
        LeaseError: a run holds the day.
        DataworksError: the catalog does not take it.
    """
    with _rollback(workplace, scope) as tool:
        outcome = tool.point_back(collection.job, day, attempt)
    if outcome.error is not None:
        raise outcome.error


@contextmanager
def _rollback(workplace: Workplace, scope: Scope) -> Iterator[Rollback]:
    platform = workplace.platform
    with held_leases(platform, scope.control_uri, owner=owner_name("rollback")) as leases:
        context = PublishContext(scope.system, leases.owner, scope.output_uri)
        publisher = Publisher(platform.catalog, platform.store, leases=leases, context=context)
        yield Rollback(platform.store, leases, publisher=publisher, context=context)


def _one_before(attempts: Sequence[AttemptManifest], shown: str, name: str, day: str) -> str:
    names = [manifest.attempt for manifest in attempts]
    earlier = names[: names.index(shown)] if shown in names else []
    if not earlier:
        unpublished = f"nothing of {name} is published of {day}, so no attempt is the one before it"
        raise NotFoundError(
            f"there is no attempt of {name} before what is published of {day}" if shown else unpublished,
            where=shown,
            remedy="`--list` shows the attempts that still exist; `--attempt` chooses one",
        )
    return earlier[-1]


def _list(
    workplace: Workplace,
    scope: Scope,
    collection: Scoped,
    day: str,
    attempts: Sequence[AttemptManifest],
    shown: str,
) -> None:
    if not attempts:
        lost = f": the manifest of {shown}, which is published, is lost; restore it (docs/production.md)" if shown else ""
        workplace.console.print(f"{scope.name}/{collection.name} of {day} has no attempt that can be gone back to{lost}.")
        return
    rows = table("Attempt", "Rows", "Files", "Size", "Written (UTC)", "Run", "", right=("Rows", "Files", "Size"))
    rows.title = f"Attempts at {scope.name}/{collection.name} of {day}"
    for manifest in attempts:
        files = manifest.table.files
        rows.add_row(
            manifest.attempt,
            number(manifest.table.rows),
            number(len(files)),
            bytes_text(sum(file.size_bytes for file in files)),
            manifest.written_utc[:19],
            manifest.run_id,
            "[green]published[/]" if manifest.attempt == shown else "",
        )
    workplace.console.print(rows)
