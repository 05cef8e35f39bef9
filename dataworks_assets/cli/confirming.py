"""Confirming an act on the command line: first shows what would be done, then asks."""

from __future__ import annotations

from typing import Annotated

import typer

from dataworks_assets.cli.showing import hint
from dataworks_assets.cli.workplace import Workplace

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, do nothing.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def confirmed(workplace: Workplace, words: str, *, dry_run: bool, yes: bool) -> bool:
    """Shows what would be done, and returns whether to do it."""
    workplace.console.print(words, markup=False, soft_wrap=True)
    if dry_run:
        hint(workplace.console, "A dry run: nothing was done.")
        return False
    return yes or typer.confirm("Do it?", abort=True)
