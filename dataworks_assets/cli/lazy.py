"""A command group that imports a command's module when the command is used, so that `dataworks --help` answers at once."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import click
import typer
from typer.core import TyperCommand, TyperGroup

_COMPLETION = frozenset({"install_completion", "show_completion"})
"""Options that typer adds to every application; only the outermost one should have them."""


@dataclass(frozen=True)
class LazyCommand:
    """The module of a command, and its line in the list of commands.

    Args:
        module: its module in `dataworks_assets.cli`, which has a typer application.
        summary: one line for the list.
        panel: heading under which it is listed.
        application: name of the typer application in the module.
    """

    module: str
    summary: str
    panel: str
    application: str = "app"

    def load(self, name: str) -> click.Command:
        """Imports the module and returns the command."""
        module = importlib.import_module(f"dataworks_assets.cli.{self.module}")
        command: click.Command = typer.main.get_command(getattr(module, self.application))
        command.name = name
        command.params = [param for param in command.params if param.name not in _COMPLETION]
        return command

    def placeholder(self, name: str) -> click.Command:
        """Returns what the list shows of it; cannot be run."""
        return TyperCommand(name, help=self.summary, rich_help_panel=self.panel)


class LazyGroup(TyperGroup):
    """A group whose commands stand in `known`; to list them none is imported."""

    known: dict[str, LazyCommand] = {}  # noqa: RUF012 - a subclass gives its own
    _is_listing = False

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: command.placeholder(name) for name, command in self.known.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names in their order."""
        del ctx
        return list(self.known)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns the command, or what the list shows of it."""
        del ctx
        found = self.known.get(cmd_name)
        if found is None:
            return None
        return self.commands[cmd_name] if self._is_listing else found.load(cmd_name)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the help of the group."""
        self._is_listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._is_listing = False
