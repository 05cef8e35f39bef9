"""`dataworks hold` and `dataworks release`: an operator's order that a collection must not be published for now."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from dataworks_assets.cli.selection import COLLECTIONS_HELP, OneTypeOption, SystemOption, select_anywhere
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems import holds
from dataworks_assets.systems.every import System
from dataworks_assets.systems.scope import Scope, Scoped

Collections = Annotated[list[str], typer.Argument(help=COLLECTIONS_HELP)]

hold_app = typer.Typer()
release_app = typer.Typer()


@hold_app.command()
def hold(
    ctx: typer.Context,
    collections: Collections,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; every run that leaves it alone says it.")],
    system: SystemOption = None,
    snapshot_type: OneTypeOption = None,
) -> None:
    """Let no run publish these collections until they are released; what is published stays as it is.

    A run that is under way publishes nothing more of them: it says so, and ends failed.

    [bold]Examples[/]

    dataworks hold core/statement --reason 'wrong amounts at the source, see INC-123'

    dataworks hold 'core/*' --type incremental --reason 'migration'

    dataworks hold 'kickstart/payment/*' --reason 'the partner sends the wrong month'
    """
    workplace = workplace_of(ctx)
    for scope, collection in _selected(workplace, collections, system, snapshot_type):
        holds.hold(workplace.platform.store, scope, collection.name, reason=reason, by=getpass.getuser())
        workplace.console.print(f"{scope.name}/{collection.name} is held: {reason}", markup=False, soft_wrap=True)


@release_app.command()
def release(
    ctx: typer.Context, collections: Collections, system: SystemOption = None, snapshot_type: OneTypeOption = None
) -> None:
    """Let held collections be published again, by the next run that asks for them.

    [bold]Examples[/]

    dataworks release core/statement

    dataworks release kickstart/payment/payments
    """
    workplace = workplace_of(ctx)
    for scope, collection in _selected(workplace, collections, system, snapshot_type):
        held = holds.release(workplace.platform.store, scope, collection.name)
        said = "is released" if held else "was not held"
        workplace.console.print(f"{scope.name}/{collection.name} {said}", markup=False, soft_wrap=True)


def _selected(
    workplace: Workplace, patterns: list[str], system: System | None, snapshot_type: SnapshotType | None
) -> list[tuple[Scope, Scoped]]:
    rooms = workplace.rooms(system, snapshot_type)
    return [(room.scope, collection) for room, chosen in select_anywhere(rooms, patterns) for collection in chosen]
