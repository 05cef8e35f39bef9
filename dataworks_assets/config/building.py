"""Converts a collection's configuration into what a job gets, `spark.contract.Collection`, and hashes it."""

from __future__ import annotations

import hashlib

import msgspec

from dataworks_assets.config.collections import CollectionConfig
from dataworks_assets.config.naming import TAG_NOT_SET, SnapshotType, hive_database
from dataworks_assets.config.tables import ColumnConfig, TableConfig
from spark.contract import AnyCollection, Column, ExportCollection, OutputTable

_NOT_OUTPUT = ("quarantine_share", "row_loss_share", "unique_ids", "manifest_required", "preview")
"""Fields that decide whether a day is accepted, or who may see it; the written data does not depend on them."""


def build_collection(config: CollectionConfig, snapshot_type: SnapshotType, *, manifest_required: bool) -> ExportCollection:
    """Returns the collection of one snapshot type as the job needs it.

    Args:
        config: as configured.
        snapshot_type: one of its snapshot types.
        manifest_required: the deployment's rule, used if the collection has none.
    """
    own = config.manifest_required
    return ExportCollection(
        name=config.name,
        topic=config.topic,
        snapshot_type=snapshot_type.value,
        tables=tuple(build_tables(config, snapshot_type)),
        id_path=config.id_path,
        timestamp_path=config.timestamp_path,
        created_path=config.created_path,
        removed_path=config.removed_path,
        unique_ids=config.unique_ids and config.id_path is not None,
        manifest_required=manifest_required if own is None else own,
        quarantine_share=config.quarantine_share,
        row_loss_share=config.row_loss_share,
        preview=config.preview_allowed,
    )


def build_tables(config: CollectionConfig, snapshot_type: SnapshotType) -> list[OutputTable]:
    """Returns the tables a collection fills, the main one first."""
    main = TableConfig.model_construct(
        database=config.database or hive_database(snapshot_type),
        table=config.table_name,
        layout=config.layout,
        newest=config.newest,
        description=config.description,
        columns=config.columns,
        text_column=config.text_column,
        misfit=config.misfit,
        partition_column=config.partition_column,
        tags=config.tags,
    )
    declared = {table.table: table for table in (main, *config.tables)}
    return [_table(table, snapshot_type, declared) for table in (main, *config.tables)]


def output_hash(collection: AnyCollection, *, timestamps: str = "int96") -> str:
    """Returns a digest of all configuration that shapes the collection's output; part of its fingerprint.

    It leaves out tags and comments, which change without reading data, and what only decides whether a day is accepted.

    Args:
        collection: as built.
        timestamps: int96 or int64, as the deployment writes them.
    """
    document = msgspec.to_builtins(collection)
    for name in _NOT_OUTPUT:
        document.pop(name, None)
    return _digest({"collection": _without_dress(document), "timestamps": timestamps})


def audit_hash(collection: AnyCollection, *, timestamps: str = "int96") -> str:
    """Returns a digest of what shapes the output and of what decides whether a day is accepted.

    A day that was refused is not tried again until its inputs or this change.
    """
    return _digest({"collection": _without_dress(msgspec.to_builtins(collection)), "timestamps": timestamps})


def _table(table: TableConfig, snapshot_type: SnapshotType, declared: dict[str, TableConfig]) -> OutputTable:
    return OutputTable(
        database=table.database,
        name=f"{table.table}_history" if table.newest else table.table,
        newest=table.table if table.newest else None,
        partition_column=table.partition_column,
        layout=table.layout,
        text_column=table.text_column,
        columns=tuple(
            Column(name=column.name, type=column.type, path=column.path, comment=column.comment)
            for column in _columns(table, declared)
        ),
        misfit=table.misfit,
        tags={**(table.tags or TAG_NOT_SET), "snapshot_type": snapshot_type.value},
        comment=table.description,
    )


def _columns(table: TableConfig, declared: dict[str, TableConfig]) -> tuple[ColumnConfig, ...]:
    if table.columns_from is None:
        return table.columns
    origin = _columns(declared[table.columns_from], declared)
    by_name = {column.name: column for column in origin}
    return tuple(by_name[column.name] for column in table.columns) or origin


def _without_dress(document: dict[str, object]) -> dict[str, object]:
    """Removes tags, comments, folders and the `source` tag from a collection in builtin types."""
    document.pop("source")
    tables = document["tables"]
    assert isinstance(tables, list | tuple)  # noqa: S101
    for table in tables:
        del table["tags"], table["comment"], table["folder"]
        for column in table["columns"]:
            del column["comment"]
    return document


def _digest(document: dict[str, object]) -> str:
    return hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()[:16]
