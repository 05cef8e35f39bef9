"""Converts tables and partitions between the Hive metastore's Thrift form and the platform's. No calls here."""

from __future__ import annotations

import copy
from typing import Any

from pymetastore.hive_metastore import ttypes

from spark.publish.catalog import Pointer, TableColumn, TableDefinition, own_parameters
from spark.publish.external_tables import (
    INPUT_FORMAT,
    OUTPUT_FORMAT,
    SERDE,
    SERDE_PARAMETERS,
    TABLE_TYPE,
    check_ours,
    partition_parameters,
    pointed_parameters,
    table_parameters,
    told_parameters,
)


def new_table(definition: TableDefinition, pointer: Pointer | None) -> Any:
    """Returns the table to be created; an unpartitioned one shows `pointer` from its first moment."""
    keys = [] if definition.partition_column is None else [ttypes.FieldSchema(definition.partition_column, "string", "")]
    location = pointer.location if pointer is not None and not keys else definition.location_uri
    shown = pointed_parameters(pointer) if pointer is not None and not keys else {}
    return ttypes.Table(
        tableName=definition.name,
        dbName=definition.database,
        owner="dataworks",
        sd=_storage(definition.columns, location),
        partitionKeys=keys,
        parameters=table_parameters(definition) | shown,
        tableType=TABLE_TYPE,
    )


def evolved_table(table: Any, definition: TableDefinition) -> Any:
    """Returns the table with another definition's columns and parameters; what it points at stays."""
    changed = copy.deepcopy(table)
    changed.sd.cols = _fields(definition.columns)
    changed.parameters = {**table.parameters, **table_parameters(definition)}
    return changed


def pointed_table(table: Any, pointer: Pointer) -> Any:
    """Returns the table showing other files."""
    changed = copy.deepcopy(table)
    changed.sd.location = pointer.location
    changed.parameters = {**table.parameters, **pointed_parameters(pointer)}
    return changed


def partition_for(table: Any, pointer: Pointer, *, old: Any = None) -> Any:
    """Returns the partition that shows the pointer's files with the table's columns as they are now."""
    storage = copy.deepcopy(table.sd)
    storage.location = pointer.location
    kept = own_parameters(old.parameters or {}) if old is not None else {}
    return ttypes.Partition(
        values=[pointer.partition],
        dbName=table.dbName,
        tableName=table.tableName,
        createTime=old.createTime if old is not None else 0,
        lastAccessTime=0,
        sd=storage,
        parameters={**kept, **partition_parameters(pointer)},
    )


def definition_of(table: Any) -> TableDefinition:
    """Returns a table's definition.

    Raises:
        CatalogError: it is a view, not Parquet, or partitioned by several columns: not one of the platform's.
    """
    check_ours(
        f"{table.dbName}.{table.tableName}",
        table_type=table.tableType,
        input_format=table.sd.inputFormat,
        partition_columns=len(table.partitionKeys or []),
    )
    return TableDefinition(
        database=table.dbName,
        name=table.tableName,
        columns=tuple(TableColumn(item.name, item.type, item.comment or "") for item in table.sd.cols),
        partition_column=table.partitionKeys[0].name if table.partitionKeys else None,
        location_uri=table.sd.location or "",
        comment=(table.parameters or {}).get("comment", ""),
        parameters=told_parameters(table.parameters or {}),
    )


def _storage(columns: tuple[TableColumn, ...], location: str) -> Any:
    return ttypes.StorageDescriptor(
        cols=_fields(columns),
        location=location or None,
        inputFormat=INPUT_FORMAT,
        outputFormat=OUTPUT_FORMAT,
        compressed=False,
        numBuckets=-1,
        serdeInfo=ttypes.SerDeInfo(serializationLib=SERDE, parameters=dict(SERDE_PARAMETERS)),
        bucketCols=[],
        sortCols=[],
        parameters={},
        storedAsSubDirectories=False,
    )


def _fields(columns: tuple[TableColumn, ...]) -> list[Any]:
    return [ttypes.FieldSchema(column.name, column.type, column.comment) for column in columns]
