"""The `dataworks` command: the list of its commands, what they have in common, and how errors are shown.

Each command is in its own module, which is imported when the command is used.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from click.core import ParameterSource
from rich.console import Console
from rich.text import Text

from dataworks_assets.cli.hints import as_typed, name_deployment
from dataworks_assets.cli.lazy import LazyCommand, LazyGroup
from spark.errors import DataworksError

_START = "Start"
_RUN = "Plan and run"
_LOOK = "Look"
_ACT = "Act"


class Commands(LazyGroup):
    """Every command, in the order of the list."""

    known = {  # noqa: RUF012 - never changed
        "demo": LazyCommand("demo", "Bring everything up, publish a sample export, show what came of it.", _START),
        "dev": LazyCommand("dev", "Dagster's UI and daemon on this machine, with the embedded stack.", _START),
        "stack": LazyCommand("stack", "Start, end and look at the embedded stack.", _START),
        "sample": LazyCommand("sample", "Write the sample export.", _START),
        "deploy": LazyCommand("deploy", "Put what clusters are made with where they get it from.", _START),
        "plan": LazyCommand("plan", "What a run would read and do, and why.", _RUN),
        "adg": LazyCommand("adg", "Run the analytical dataset generation.", _RUN),
        "kickstart": LazyCommand("kickstart", "Run and plan Kickstart, the partner's files, by dates.", _RUN),
        "backfill": LazyCommand("backfill", "Run scattered days and collections in as few runs as possible.", _RUN),
        "status": LazyCommand("status", "What is published, by collection and day, and what is not and why.", _LOOK),
        "quarantine": LazyCommand("quarantine", "Show the refused rows of a collection's day.", _LOOK),
        "sql": LazyCommand("sql", "Query the tables in Spark, with Hive support.", _LOOK),
        "contents": LazyCommand("contents", "What the tables hold, and in what they differ from another deployment's.", _LOOK),
        "inbox": LazyCommand("inbox", "Messages of exports that wait or were put aside.", _LOOK),
        "ledger": LazyCommand("ledger", "Status rows that others read: show, repair, clear; tell downstream again.", _LOOK),
        "config": LazyCommand("config", "Check and show what is configured.", _LOOK),
        "schema": LazyCommand("schema", "Propose a schema for a collection from its data.", _LOOK),
        "rollback": LazyCommand("rollback", "Point a day back at an earlier attempt that still exists.", _ACT),
        "hold": LazyCommand("holds", "Let no run publish a collection until it is released.", _ACT, "hold_app"),
        "release": LazyCommand("holds", "Let a held collection be published again.", _ACT, "release_app"),
        "infrastructure": LazyCommand("infrastructure", "What an AWS account needs: write it out, apply it.", _ACT),
        "clusters": LazyCommand("clusters", "Clusters of EMR: list, start, stop, sweep.", _ACT),
        "metastore": LazyCommand("metastore", "The password of the Hive metastore's database: rotate it.", _ACT),
        "collect-garbage": LazyCommand("garbage", "Delete what no table shows any more.", _ACT),
    }


app = typer.Typer(cls=Commands, no_args_is_help=True, suggest_commands=False, pretty_exceptions_enable=False)


@app.callback()
def prepare(
    ctx: typer.Context,
    deployment: Annotated[
        str | None,
        typer.Option("--deployment", "-d", help="Deployment to work on (`local`, `aws`, ...).", envvar="DATAWORKS_DEPLOYMENT"),
    ] = None,
    traceback: Annotated[
        bool, typer.Option(help="On an error show the whole traceback.", envvar="DATAWORKS_TRACEBACK")
    ] = False,
) -> None:
    """Batch data pipelines as Dagster assets over Spark.

    First steps: [bold]dataworks demo[/], then [bold]dataworks status[/]. Every command has examples in its own
    [bold]--help[/].
    """
    is_typed = ctx.get_parameter_source("deployment") is ParameterSource.COMMANDLINE
    name_deployment(deployment if is_typed else None, Commands.known)
    if deployment is not None:
        os.environ["DATAWORKS_DEPLOYMENT"] = deployment  # for the processes that a command starts
    if traceback:
        os.environ["DATAWORKS_TRACEBACK"] = "1"
    if ctx.obj is None and ctx.invoked_subcommand not in {"stack", "config", "infrastructure"}:
        from dataworks_assets.cli.workplace import Workplace

        ctx.obj = Workplace(deployment=deployment)


def run() -> None:
    """Runs the command line; an error of the platform's own becomes one red line and exit code 1."""
    try:
        app()
    except DataworksError as error:
        if os.environ.get("DATAWORKS_TRACEBACK"):
            raise
        Console(stderr=True, soft_wrap=True).print(error_text(error))
        sys.exit(1)


def error_text(error: DataworksError) -> Text:
    """Returns what happened, where, and what to do, as the terminal shows it."""
    text = Text.assemble(("Error: ", "bold red"), (as_typed(error.what), "red"))
    if error.where:
        text.append(f"\n  where: {error.where}")
    if error.remedy:
        text.append(f"\n  remedy: {as_typed(error.remedy)}")
    return text
