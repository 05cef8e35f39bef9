"""`dataworks hold` and `dataworks release`: an operator's word that a collection is not to be published for now."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from dataworks_assets.cli.selection import select_anywhere, types_of
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems import holds
from dataworks_assets.systems.adg.scope import AdgScope, ScopedCollection

Collections = Annotated[list[str], typer.Argument(help="Collections, also by glob: `core/statement`, `core/*`.")]
OneType = Annotated[
    SnapshotType | None, typer.Option("--type", "-t", help="Which export; both where it is left out.", show_default=False)
]

hold_app = typer.Typer()
release_app = typer.Typer()


@hold_app.command()
def hold(
    ctx: typer.Context,
    collections: Collections,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; every run that leaves it alone says it.")],
    snapshot_type: OneType = None,
) -> None:
    """Let no run publish these collections until they are released; what is published stays as it is.

    [bold]Examples[/]

    dataworks hold core/statement --reason 'wrong amounts at the source, see INC-123'

    dataworks hold 'core/*' --type incremental --reason 'migration'
    """
    workplace = workplace_of(ctx)
    for scope, collection in _selected(workplace, collections, snapshot_type):
        holds.hold(workplace.platform.store, scope, collection.name, reason=reason, by=getpass.getuser())
        workplace.console.print(f"{scope.name}/{collection.name} is held: {reason}", markup=False, soft_wrap=True)


@release_app.command()
def release(ctx: typer.Context, collections: Collections, snapshot_type: OneType = None) -> None:
    """Let held collections be published again, by the next run that asks for them.

    [bold]Example[/]

    dataworks release core/statement
    """
    workplace = workplace_of(ctx)
    for scope, collection in _selected(workplace, collections, snapshot_type):
        held = holds.release(workplace.platform.store, scope, collection.name)
        said = "is released" if held else "was not held"
        workplace.console.print(f"{scope.name}/{collection.name} {said}", markup=False, soft_wrap=True)


def _selected(
    workplace: Workplace, patterns: list[str], snapshot_type: SnapshotType | None
) -> list[tuple[AdgScope, ScopedCollection]]:
    scopes = [workplace.scope(each) for each in types_of(snapshot_type)]
    return [(scope, collection) for scope, chosen in select_anywhere(scopes, patterns) for collection in chosen]
