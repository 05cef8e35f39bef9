"""`dataworks inbox`: messages of exports that wait for their run, and those that were put aside, with the reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import typer
from rich.text import Text

from dataworks_assets.cli.selection import JsonOption
from dataworks_assets.cli.showing import hint, table, write_json
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems.adg.automation.inbox import Inbox, RefusedMessage, Waiting
from spark.contract import decode
from spark.store import ObjectStore

_SHOWN_CHARACTERS = 120

app = typer.Typer()


@app.command()
def inbox(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the messages of exports that wait for their run or that one works on, and those that were put aside.

    [bold]Example[/]

    dataworks inbox
    """
    workplace = workplace_of(ctx)
    store, control_uri = workplace.platform.store, workplace.scope(SnapshotType.FULL).control_uri
    kept = Inbox(store, control_uri)
    now = datetime.now(UTC)
    waiting = [each for snapshot_type in SnapshotType for each in kept.waiting(snapshot_type, now=now)]
    refused = read_refused(store, control_uri)
    if as_json:
        write_json(_document(waiting, refused))
        return
    _show(workplace, waiting, refused)


def read_refused(store: ObjectStore, control_uri: str) -> list[RefusedMessage]:
    """Returns the messages that were put aside, the newest first."""
    uris = [listed.uri for listed in store.list(f"{control_uri}/inbox_refused")]
    bodies = zip(uris, store.read_many(uris), strict=True)
    found = [decode(body, RefusedMessage, where=uri) for uri, body in bodies if body is not None]
    return sorted(found, key=lambda message: message.refused_utc, reverse=True)


def _show(workplace: Workplace, waiting: list[Waiting], refused: list[RefusedMessage]) -> None:
    if not waiting and not refused:
        workplace.console.print("The inbox is empty: no message waits, none was put aside.")
        return
    if waiting:
        shown = table("Day", "Export", "Correlation id", "Prefix", "Kept (UTC)", title="Waiting, or being worked on")
        for each in waiting:
            said = each.kept.message
            kept_utc = f"{each.kept.kept_utc:%Y-%m-%d %H:%M:%S}"
            shown.add_row(str(each.day), str(said.snapshot_type), Text(said.correlation_id), Text(said.s3_prefix), kept_utc)
        workplace.console.print(shown)
    if refused:
        shown = table("Put aside (UTC)", "Reason", "Message", title="Put aside")
        for message in refused:
            reason = Text(message.reason, style="red")
            shown.add_row(f"{message.refused_utc:%Y-%m-%d %H:%M:%S}", reason, Text(shorten(message.body)))
        workplace.console.print(shown)
        hint(workplace.console, "Have the producer send a corrected message, or run the day by hand: dataworks adg run --day …")


def shorten(body: str) -> str:
    """Returns the beginning of a message, with a mark where there is more of it."""
    return body if len(body) <= _SHOWN_CHARACTERS else f"{body[:_SHOWN_CHARACTERS]}…"


def _document(waiting: list[Waiting], refused: list[RefusedMessage]) -> dict[str, Any]:
    return {
        "waiting": [msgspec.to_builtins(each.kept) | {"uri": each.uri} for each in waiting],
        "put_aside": [msgspec.to_builtins(message) for message in refused],
    }
