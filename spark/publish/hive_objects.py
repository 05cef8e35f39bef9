"""Tables and partitions as the Hive metastore's Thrift protocol has them, to and from the platform's. No calls here."""

from __future__ import annotations

import copy
import re
from typing import Any

from pymetastore.hive_metastore import ttypes

from spark.errors import CatalogError
from spark.publish.catalog import (
    PARAMETER_PREFIX,
    Pointer,
    TableColumn,
    TableDefinition,
    own_parameters,
    pointer_parameters,
)

PARTITION_PARAMETER = PARAMETER_PREFIX + "partition"
"""Of an unpartitioned table: which partition it shows."""

_INPUT_FORMAT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
_OUTPUT_FORMAT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
_METASTORE_OWN = frozenset(
    {"EXTERNAL", "comment", "transient_lastDdlTime", "numFiles", "totalSize", "numRows", "rawDataSize", "bucketing_version"}
)
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.-]+")


def new_table(definition: TableDefinition, pointer: Pointer | None) -> Any:
    """Returns the table to be created; an unpartitioned one shows `pointer` from its first moment."""
    keys = [] if definition.partition_column is None else [ttypes.FieldSchema(definition.partition_column, "string", "")]
    location = pointer.location if pointer is not None and not keys else definition.location_uri
    shown = _pointed(pointer) if pointer is not None and not keys else {}
    return ttypes.Table(
        tableName=definition.name,
        dbName=definition.database,
        owner="dataworks",
        sd=_storage(definition.columns, location),
        partitionKeys=keys,
        parameters=_table_parameters(definition) | shown,
        tableType="EXTERNAL_TABLE",
    )


def evolved_table(table: Any, definition: TableDefinition) -> Any:
    """Returns the table with another definition's columns and parameters; what it points at stays."""
    changed = copy.deepcopy(table)
    changed.sd.cols = _fields(definition.columns)
    changed.parameters = {**table.parameters, **_table_parameters(definition)}
    return changed


def pointed_table(table: Any, pointer: Pointer) -> Any:
    """Returns the table showing other files."""
    changed = copy.deepcopy(table)
    changed.sd.location = pointer.location
    changed.parameters = {**table.parameters, **_pointed(pointer)}
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
        parameters={**kept, **pointer_parameters(pointer), **_statistics(pointer)},
    )


def definition_of(table: Any) -> TableDefinition:
    """Returns a table's definition.

    Raises:
        CatalogError: it is a view, not Parquet, or partitioned by several columns: not one of the platform's.
    """
    where = f"{table.dbName}.{table.tableName}"
    if table.tableType != "EXTERNAL_TABLE" or table.sd.inputFormat != _INPUT_FORMAT or len(table.partitionKeys or []) > 1:
        raise CatalogError(
            f"there is a table of this name that is not the platform's ({table.tableType}, {table.sd.inputFormat})",
            where=where,
            remedy="Rename or drop the other table, or configure another name",
            transient=False,
        )
    own = {key: value for key, value in own_parameters(table.parameters or {}).items() if key not in _METASTORE_OWN}
    return TableDefinition(
        database=table.dbName,
        name=table.tableName,
        columns=tuple(TableColumn(item.name, item.type, item.comment or "") for item in table.sd.cols),
        partition_column=table.partitionKeys[0].name if table.partitionKeys else None,
        location_uri=table.sd.location or "",
        comment=(table.parameters or {}).get("comment", ""),
        parameters=own,
    )


def check_partition(where: str, value: str) -> None:
    """Refuses a partition value that Hive would escape in a partition's name."""
    if not _PLAIN_VALUE.fullmatch(value):
        raise CatalogError(f"{value!r} cannot be a partition's value", where=where, remedy="Use an ISO date", transient=False)


def _storage(columns: tuple[TableColumn, ...], location: str) -> Any:
    return ttypes.StorageDescriptor(
        cols=_fields(columns),
        location=location or None,
        inputFormat=_INPUT_FORMAT,
        outputFormat=_OUTPUT_FORMAT,
        compressed=False,
        numBuckets=-1,
        serdeInfo=ttypes.SerDeInfo(serializationLib=_SERDE, parameters={"serialization.format": "1"}),
        bucketCols=[],
        sortCols=[],
        parameters={},
        storedAsSubDirectories=False,
    )


def _fields(columns: tuple[TableColumn, ...]) -> list[Any]:
    return [ttypes.FieldSchema(column.name, column.type, column.comment) for column in columns]


def _table_parameters(definition: TableDefinition) -> dict[str, str]:
    comment = {"comment": definition.comment} if definition.comment else {}
    return {**definition.parameters, **comment, "EXTERNAL": "TRUE"}


def _pointed(pointer: Pointer) -> dict[str, str]:
    return {**pointer_parameters(pointer), **_statistics(pointer), PARTITION_PARAMETER: pointer.partition}


def _statistics(pointer: Pointer) -> dict[str, str]:
    """What the metastore would otherwise find by listing the location."""
    return {"numFiles": str(pointer.files), "totalSize": str(pointer.size_bytes), "numRows": str(pointer.rows)}
