"""What every command works with: the deployment's settings and clients, and the terminal to write to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import cached_property

import typer
from rich.console import Console

from dataworks_assets.cli.consoles import make_console
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.settings import Settings
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.every import System, rooms_of
from dataworks_assets.systems.kickstart.scope import KickstartScope
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.rooms import Room
from spark.errors import ConfigurationError


@dataclass
class Workplace:
    """The environment of one command; everything is made on first use, so a command only pays for what it needs.

    Args:
        deployment: its name; what the environment says when None.
        console: where results are written.
        notes: where progress and remarks are written, so that results can be piped.
    """

    deployment: str | None = None
    console: Console = field(default_factory=make_console)
    notes: Console = field(default_factory=lambda: make_console(stderr=True))

    @cached_property
    def settings(self) -> Settings:
        """What is configured; links to runs lead to the UI of a `dataworks dev` that runs, where no other is named."""
        from dataworks_assets.cli.dagster_home import dagster_folder
        from dataworks_assets.cli.webserver import find_webserver
        from dataworks_assets.stack.bring_up import opened

        loaded = load_settings(self.deployment, opened=opened)
        shown = None if loaded.environment.ui_url else find_webserver(dagster_folder(loaded))
        return replace(loaded, environment=replace(loaded.environment, ui_url=shown.url)) if shown else loaded

    @cached_property
    def platform(self) -> Platform:
        """The deployment's clients, all addresses known; the embedded stack is started where the deployment lives on it."""
        from dataworks_assets.stack.bring_up import with_stack

        made = Platform(self.settings, bring_up=with_stack)
        with self.notes.status("Opening the deployment; the embedded stack is started where it does not run …"):
            _ = made.running
        return made

    def reload(self) -> None:
        """Forgets what was read, so that the settings are read again with what the environment says now."""
        for name in ("settings", "platform"):
            self.__dict__.pop(name, None)

    def child_environment(self) -> dict[str, str]:
        """Returns the variables of a process that works on this deployment; the embedded stack is started for it."""
        _ = self.platform  # this process then has the stack's addresses and credentials in its environment
        return dict(os.environ)

    def scope(self, snapshot_type: SnapshotType) -> AdgScope:
        """Returns the collections of one snapshot type."""
        return AdgScope(self.settings, snapshot_type)

    def rooms(self, system: System | None = None, snapshot_type: SnapshotType | None = None) -> tuple[Room, ...]:
        """Returns every system, or snapshot type, that has collections; or those that are named.

        Raises:
            ConfigurationError: there is none.
        """
        found = tuple(
            room
            for room in rooms_of(self.platform)
            if (system is None or room.scope.system == system)
            and (snapshot_type is None or room.scope.snapshot_type == snapshot_type)
        )
        if not found:
            named = " ".join(filter(None, (system, f"--type {snapshot_type}" if snapshot_type else None)))
            raise ConfigurationError(
                f"this deployment has no collection of {named or 'any system'}",
                where=self.settings.deployment.name,
                remedy="`dataworks config check` lists what is configured",
            )
        return found

    @property
    def kickstart(self) -> KickstartScope:
        """Returns the collections of partner files.

        Raises:
            ConfigurationError: the deployment has none.
        """
        scope = KickstartScope(self.settings)
        _ = scope.source
        return scope


def workplace_of(ctx: typer.Context) -> Workplace:
    """Returns the workplace of this invocation."""
    found = ctx.obj
    assert isinstance(found, Workplace)  # noqa: S101 - set by the group's callback, or by a test
    return found
