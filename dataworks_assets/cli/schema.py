"""`dataworks schema infer`: propose a typed schema for a collection from its published documents or from a file of them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
import yaml

from dataworks_assets.cli.inference import ProposedColumn, Seen, propose, read_document
from dataworks_assets.cli.selection import TypeOption, parse_days
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.config.collections import CollectionConfig
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.tables import ERRORS_COLUMN, STANDARD_COLUMNS
from dataworks_assets.systems.adg.scope import ScopedCollection
from spark.contract import Layout
from spark.errors import ConfigurationError, InputError
from spark.publish.manifest import data_files

app = typer.Typer(help="Propose a schema for a collection from its data.", no_args_is_help=True)

_BATCH_ROWS = 1_000


@app.callback()
def schema() -> None:
    """Propose a schema for a collection from its data."""


@app.command()
def infer(
    ctx: typer.Context,
    collection: Annotated[str, typer.Argument(help="Collection, such as `core/statement`.")],
    snapshot_type: TypeOption = SnapshotType.FULL,
    day: Annotated[str | None, typer.Option("--day", "-D", help="Published day to look at; by default the newest.")] = None,
    documents: Annotated[
        int, typer.Option("--documents", "-n", min=1, help="How many documents to look at, at most.")
    ] = 10_000,
    file: Annotated[
        Path | None, typer.Option(help="A file of JSON documents, one a line (also gzipped), in place of what is published.")
    ] = None,
    nested: Annotated[
        bool, typer.Option("--nested/--text", help="Objects and arrays as nested types, or as their text.")
    ] = True,
) -> None:
    """Propose a typed schema as YAML, to be copied into the collection's configuration.

    Types are as narrow as all documents that were looked at allow: dates, wrapped timestamps, amounts (decimal) and nested
    structures are recognised. A value that does not fit later becomes null with an entry in `_errors`; nothing is lost.

    [bold]Examples[/]

    dataworks schema infer core/toDo

    dataworks schema infer core/toDo --documents 100000 > todo.yaml
    """
    workplace = workplace_of(ctx)
    (chosen,) = workplace.scope(snapshot_type).select([collection])
    texts = _lines(file) if file else _published(workplace, chosen, day)
    root, count, unread = _look(islice(texts, documents))
    if not count:
        raise InputError(
            "there is no document to look at",
            where=str(file or chosen.name),
            remedy="Publish a day of it first (`dataworks plan` shows what is exported), or name a --file",
        )
    columns = propose(root, skip=_shown_anyway(chosen.config), taken=_taken(chosen.config), documents=count)
    text = proposal(chosen.config, columns if nested else [_as_text(column) for column in columns])
    typer.echo(f"# From {count:,} documents of {file or chosen.name}" + (f"; {unread:,} lines were none" if unread else "."))
    typer.echo(text, nl=False)


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
        document = read_document(text)
        if document is None:
            unread += 1
        else:
            root.add(document)
            count += 1
    return root, count, unread


def _published(workplace: Workplace, collection: ScopedCollection, day: str | None) -> Iterator[str]:
    """Yields the documents' texts of a published day."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    main = collection.job.tables[0]
    if main.layout is Layout.COLUMNS:
        raise ConfigurationError("its table does not keep the documents' text", where=collection.name, remedy="Name a --file")
    catalog, store = workplace.platform.catalog, workplace.platform.store
    wanted = parse_days([day])[0].isoformat() if day else catalog.newest_partition(main.database, main.name)
    pointer = catalog.pointers(main.database, main.name, [wanted]).get(wanted) if wanted else None
    if pointer is None:
        return
    for listed in data_files(store.list(pointer.location)):
        with pq.ParquetFile(pa.BufferReader(store.read(listed.uri))) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=[main.text_column]):
                yield from batch.column(0).to_pylist()


def _lines(path: Path) -> Iterator[bytes]:
    if not path.is_file():
        raise InputError("there is no such file", where=str(path), remedy="Name a file of JSON documents, one a line")
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        yield from (line for line in lines if line.strip())


def _shown_anyway(config: CollectionConfig) -> frozenset[tuple[str, ...]]:
    """Returns the paths that a typed table shows without any column being declared."""
    paths = (config.id_path, config.timestamp_path, config.created_path, config.removed_path)
    return frozenset(path for path in paths if path)


def _taken(config: CollectionConfig) -> frozenset[str]:
    return frozenset({*STANDARD_COLUMNS, ERRORS_COLUMN, config.text_column, config.partition_column})


def _as_text(column: ProposedColumn) -> ProposedColumn:
    is_nested = column.hive_type.startswith(("struct", "array", "map"))
    return ProposedColumn(column.name, "string" if is_nested else column.hive_type, column.path, column.share)
