"""`dataworks quarantine`: the lines of a collection's day that could not be decoded, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

import typer
from rich.text import Text

from dataworks_assets.cli.selection import (
    COLLECTION_HELP,
    JsonOption,
    NarrowTypeOption,
    SystemOption,
    parse_days,
    the_one,
)
from dataworks_assets.cli.showing import hint, number, plural, table, write_json
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.config.naming import quarantine_table
from dataworks_assets.systems.scope import Scope, Scoped
from spark.publish.catalog import Pointer
from spark.publish.manifest import data_files
from spark.store import ObjectStore

_SHOWN_CHARACTERS = 160
_BATCH_ROWS = 256

app = typer.Typer()


@app.command()
def quarantine(
    ctx: typer.Context,
    collection: Annotated[str, typer.Argument(help=COLLECTION_HELP)],
    system: SystemOption = None,
    snapshot_type: NarrowTypeOption = None,
    partition: Annotated[
        str | None,
        typer.Option("--partition", "--day", "-D", help="Day; without it the days that have any are listed."),
    ] = None,
    max_rows: Annotated[int, typer.Option(min=1, help="Most lines to show.")] = 50,
    raw: Annotated[bool, typer.Option("--raw", help="Write the lines themselves, whole, and nothing else.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show refused rows: file, line, reason, and the beginning of the line.

    The lines may hold personal data: that is why they are nowhere else.

    [bold]Examples[/]

    dataworks quarantine core/statement

    dataworks quarantine core/statement --day 2026-11-20 --raw > refused.jsonl

    dataworks quarantine kickstart/vacancy/vacancies --day 2026-11-20
    """
    workplace = workplace_of(ctx)
    room, chosen = the_one(workplace.rooms(system, snapshot_type), collection)
    pointers = quarantined_days(workplace, chosen)
    if partition is None:
        _list_days(workplace, room.scope, chosen, pointers, as_json=as_json)
        return
    (day,) = parse_days([partition])[:1]
    rows = list(_first(quarantined_rows(workplace.platform.store, pointers.get(day.isoformat())), max_rows))
    if raw:
        for row in rows:
            typer.echo(row["raw"])
    elif as_json:
        write_json([{**row, "raw": row["raw"].decode(errors="replace")} for row in rows])
    else:
        _show(workplace, chosen, day, rows, pointers.get(day.isoformat()))


def quarantined_days(workplace: Workplace, collection: Scoped) -> dict[str, Pointer]:
    """Returns the days of which lines were quarantined, with what the catalog shows of them."""
    main = collection.job.tables[0]
    return workplace.platform.catalog.pointers(main.database, quarantine_table(main))


def quarantined_rows(store: ObjectStore, pointer: Pointer | None) -> Iterator[dict[str, Any]]:
    """Yields the quarantined lines of a day: `file`, `line` (from 1), `reason`, `raw` (bytes); none where it has none."""
    if pointer is None:
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    for listed in data_files(store.list(pointer.location)):
        with pq.ParquetFile(pa.BufferReader(store.read(listed.uri))) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=["file", "line", "reason", "raw"]):
                yield from batch.to_pylist()


def _first(rows: Iterator[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    for _, row in zip(range(count), rows, strict=False):
        yield row


def _list_days(workplace: Workplace, scope: Scope, collection: Scoped, pointers: dict[str, Pointer], *, as_json: bool) -> None:
    if as_json:
        write_json({day: pointer.rows for day, pointer in sorted(pointers.items())})
        return
    if not pointers:
        workplace.console.print(f"Nothing of {scope.name}/{collection.name} is quarantined.")
        return
    shown = table("Day", "Lines", "Run", right=("Lines",), title=f"Quarantined of {scope.name}/{collection.name}")
    for day, pointer in sorted(pointers.items()):
        shown.add_row(day, number(pointer.rows), pointer.run_id)
    workplace.console.print(shown)
    hint(workplace.console, f"dataworks quarantine {scope.name}/{collection.name} --day {max(pointers)}")


def _show(workplace: Workplace, collection: Scoped, day: date, rows: list[dict[str, Any]], pointer: Pointer | None) -> None:
    if not rows:
        workplace.console.print(f"Nothing of {collection.name} on {day} is quarantined.")
        return
    shown = table("File", "Line", "Reason", "Raw", right=("Line",), title=f"Quarantined of {collection.name} on {day}")
    for row in rows:
        name = row["file"].rpartition("/")[2]
        shown.add_row(Text(name), number(row["line"]), Text(row["reason"], style="red"), Text(_beginning(row["raw"])))
    workplace.console.print(shown)
    total = max(pointer.rows if pointer else 0, len(rows))
    folder = rows[0]["file"].rpartition("/")[0]
    workplace.console.print(f"{plural(len(rows), 'line')} of {total:,}; files in {folder}", soft_wrap=True, markup=False)


def _beginning(raw: bytes) -> str:
    text = raw[: _SHOWN_CHARACTERS * 4].decode(errors="replace")
    shown = text[:_SHOWN_CHARACTERS].encode("unicode_escape").decode() if not text.isprintable() else text[:_SHOWN_CHARACTERS]
    return shown + (" …" if len(text) > _SHOWN_CHARACTERS or len(raw) > _SHOWN_CHARACTERS * 4 else "")
