"""`dataworks schema infer`: propose a typed schema for a collection from its published documents or from a file of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
import yaml

from dataworks_assets.cli.documents import exported_documents, file_lines, published_documents
from dataworks_assets.cli.inference import ProposedColumn, Seen, propose, read_document
from dataworks_assets.cli.selection import COLLECTION_HELP, NarrowTypeOption, SystemOption, parse_days, the_one
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.config.collections import CollectionConfig
from dataworks_assets.config.kickstart import PartnerCollectionConfig
from dataworks_assets.config.tables import ERRORS_COLUMN, STANDARD_COLUMNS
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.scope import Scoped
from spark.contract import Column, Layout
from spark.errors import InputError
from spark.jobs.partner_days import source_columns

app = typer.Typer(help="Propose a schema for a collection from its data.", no_args_is_help=True)


@app.callback()
def schema() -> None:
    """Propose a schema for a collection from its data."""


@app.command()
def infer(
    ctx: typer.Context,
    collection: Annotated[str, typer.Argument(help=COLLECTION_HELP)],
    system: SystemOption = None,
    snapshot_type: NarrowTypeOption = None,
    day: Annotated[str | None, typer.Option("--day", "-D", help="Day to look at; by default the newest.")] = None,
    documents: Annotated[
        int, typer.Option("--documents", "-n", min=1, help="How many documents to look at, at most.")
    ] = 10_000,
    file: Annotated[
        Path | None, typer.Option(help="A file of JSON documents, one a line (also gzipped), in place of what is published.")
    ] = None,
    exported: Annotated[
        bool, typer.Option("--exported", help="Look at the export itself, decrypted on the way, in place of what is published.")
    ] = False,
    nested: Annotated[
        bool, typer.Option("--nested/--text", help="Objects and arrays as nested types, or as their text.")
    ] = True,
) -> None:
    """Propose a typed schema as YAML, to be copied into the collection's configuration.

    Types are as narrow as all documents that were looked at allow: dates, wrapped timestamps, amounts (decimal) and nested
    structures are recognised. A value that does not fit later becomes null with an entry in `_errors`; nothing is lost.

    Of Kickstart, whose tables follow their source, it is the columns that the table has come to: an initial schema.

    [bold]Examples[/]

    dataworks schema infer core/toDo

    dataworks schema infer core/toDo --exported --documents 100000 > todo.yaml

    dataworks schema infer kickstart/vacancy/vacancies
    """
    workplace = workplace_of(ctx)
    room, found = the_one(workplace.rooms(system, snapshot_type), collection)
    scope = room.scope
    if not isinstance(scope, AdgScope):
        if file or exported or day:
            remedy = "Leave --file, --exported and --day out: its columns are those of the table, which follows its files"
            raise InputError("a partner's file needs no schema to be read", where=f"{scope.name}/{found.name}", remedy=remedy)
        typer.echo(standing(workplace, found), nl=False)
        return
    chosen = scope.collections[found.name]
    wanted = parse_days([day])[0] if day else None
    texts: Iterator[str | bytes]
    if file:
        texts = file_lines(file)
    elif exported:
        texts = exported_documents(workplace, scope, chosen, wanted)
    else:
        texts = published_documents(workplace, chosen, wanted)
    where = str(file or chosen.name)
    typer.echo(_from_documents(chosen.config, islice(texts, documents), where=where, nested=nested), nl=False)


def _from_documents(config: CollectionConfig, texts: Iterator[str | bytes], *, where: str, nested: bool) -> str:
    """Returns what the documents propose, with a first line that says how many they were."""
    root, count, unread = _look(texts)
    if not count:
        raise InputError(
            "there is no document to look at",
            where=where,
            remedy="Look at the export itself with --exported, or name a --file",
        )
    columns = propose(root, skip=_shown_anyway(config), taken=_taken(config), documents=count)
    text = proposal(config, columns if nested else [_as_text(column) for column in columns])
    return f"# From {count:,} documents of {where}" + (f"; {unread:,} lines were none\n" if unread else ".\n") + text


def proposal(config: CollectionConfig, columns: list[ProposedColumn]) -> str:
    """Returns the collection's entry in YAML, with these columns.

    Raises:
        ConfigurationError: the configuration would not accept them.
    """
    listed = [_entry(column) for column in columns]
    CollectionConfig.model_validate({"topic": config.topic, "layout": Layout.TYPED.value, "columns": listed})
    head = yaml.safe_dump({config.topic: {"layout": Layout.TYPED.value}}, sort_keys=False)
    lines = [_flow(column, entry) for column, entry in zip(columns, listed, strict=True)]
    return "\n".join([head.rstrip(), "  columns:", *lines]) + "\n"


def standing(workplace: Workplace, collection: Scoped) -> str:
    """Returns the entry of a partner's collection in YAML, with the columns that its table has by now.

    Raises:
        InputError: there is no table yet.
        ConfigurationError: the configuration would not accept them.
    """
    table = collection.job.tables[0]
    definition = workplace.platform.catalog.describe(table.database, table.name)
    if definition is None:
        remedy = "Publish a day: the columns follow from its files, and are proposed here then"
        raise InputError("there is no table yet", where=f"{table.database}.{table.name}", remedy=remedy)
    columns = source_columns(Column(name=each.name, type=each.type, comment=each.comment) for each in definition.columns)
    listed = [{"name": each.name, "type": each.type} for each in columns]
    module, name = collection.name.split("/")
    PartnerCollectionConfig.model_validate({"module": module, "collection": name, "pii": True, "columns": listed})
    lines = [f"    - {yaml.safe_dump(entry, sort_keys=False, default_flow_style=True, width=10_000)}" for entry in listed]
    return f"# From the table {table.database}.{table.name} as it stands.\n{collection.name}:\n  columns:\n{''.join(lines)}"


def _entry(column: ProposedColumn) -> dict[str, object]:
    entry: dict[str, object] = {"name": column.name}
    if column.hive_type != "string":
        entry["type"] = column.hive_type
    if column.path != (column.name,):
        entry["path"] = list(column.path) if any("." in part for part in column.path) else ".".join(column.path)
    return entry


def _flow(column: ProposedColumn, entry: dict[str, object]) -> str:
    text = yaml.safe_dump(entry, sort_keys=False, default_flow_style=True, width=10_000, allow_unicode=True).strip()
    return f"    - {text}" + ("" if column.share == 1 else f"  # in {column.share:.1%} of the documents")


def _look(texts: Iterator[str | bytes]) -> tuple[Seen, int, int]:
    """Returns what was seen, in how many documents, and how many lines were none."""
    root, count, unread = Seen(), 0, 0
    for text in texts:
        if not text.strip():
            continue
        document = read_document(text)
        if document is None:
            unread += 1
        else:
            root.add(document)
            count += 1
    return root, count, unread


def _shown_anyway(config: CollectionConfig) -> frozenset[tuple[str, ...]]:
    """Returns the paths that a typed table shows without any column being declared."""
    paths = (config.id_path, config.timestamp_path, config.created_path, config.removed_path)
    return frozenset(path for path in paths if path)


def _taken(config: CollectionConfig) -> frozenset[str]:
    return frozenset({*STANDARD_COLUMNS, ERRORS_COLUMN, config.text_column, config.partition_column})


def _as_text(column: ProposedColumn) -> ProposedColumn:
    is_nested = column.hive_type.startswith(("struct", "array", "map"))
    return ProposedColumn(column.name, "string" if is_nested else column.hive_type, column.path, column.share)
