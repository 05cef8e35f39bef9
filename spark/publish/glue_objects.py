"""Converts tables and partitions between the Glue Data Catalog's form and the platform's. No calls here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spark.publish.catalog import Pointer, TableColumn, TableDefinition, own_parameters, pointer_from
from spark.publish.external_tables import (
    INPUT_FORMAT,
    OUTPUT_FORMAT,
    PARTITION_PARAMETER,
    SERDE,
    SERDE_PARAMETERS,
    TABLE_TYPE,
    check_ours,
    partition_parameters,
    pointed_parameters,
    table_parameters,
    told_parameters,
)

Document = Mapping[str, Any]
"""A table or partition as boto3 gives and takes it."""

_INPUT_KEYS = ("Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")
"""The fields that a table's response shares with its input; Glue refuses the other fields as input."""


def new_table(definition: TableDefinition, pointer: Pointer | None) -> dict[str, Any]:
    """Returns the table to be created; an unpartitioned one shows `pointer` from its first moment."""
    keys = [] if definition.partition_column is None else [{"Name": definition.partition_column, "Type": "string"}]
    shows = pointer if not keys else None
    return {
        "Name": definition.name,
        "Owner": "dataworks",
        "TableType": TABLE_TYPE,
        "PartitionKeys": keys,
        "StorageDescriptor": _storage(definition.columns, shows.location if shows else definition.location_uri),
        "Parameters": table_parameters(definition) | (pointed_parameters(shows) if shows else {}),
    }


def evolved_table(table: Document, definition: TableDefinition) -> dict[str, Any]:
    """Returns the input that gives a table another definition's columns and parameters; what it points at stays."""
    storage = {**table["StorageDescriptor"], "Columns": _columns(definition.columns)}
    return _input(table, storage, {**table.get("Parameters", {}), **table_parameters(definition)})


def pointed_table(table: Document, pointer: Pointer) -> dict[str, Any]:
    """Returns the input that makes a table show other files."""
    storage = {**table["StorageDescriptor"], "Location": pointer.location}
    return _input(table, storage, {**table.get("Parameters", {}), **pointed_parameters(pointer)})


def partition_for(table: Document, pointer: Pointer, *, old: Document | None = None) -> dict[str, Any]:
    """Returns the input of a partition that shows the pointer's files with the table's columns as they are now."""
    kept = own_parameters(old.get("Parameters", {})) if old is not None else {}
    return {
        "Values": [pointer.partition],
        "StorageDescriptor": {**table["StorageDescriptor"], "Location": pointer.location},
        "Parameters": {**kept, **partition_parameters(pointer)},
    }


def evolved_partition(table: Document, partition: Document) -> dict[str, Any] | None:
    """Returns the input that gives a partition the table's columns; None where it has them.

    Athena refuses a partition whose columns are not the table's.
    """
    storage = partition["StorageDescriptor"]
    if _types(storage) == _types(table["StorageDescriptor"]):
        return None
    return {
        "Values": partition["Values"],
        "StorageDescriptor": {**storage, "Columns": table["StorageDescriptor"]["Columns"]},
        "Parameters": partition.get("Parameters", {}),
    }


def _types(storage: Document) -> list[tuple[str, str]]:
    return [(column["Name"], column["Type"]) for column in storage.get("Columns", ())]


def definition_of(table: Document) -> TableDefinition:
    """Returns a table's definition.

    Raises:
        CatalogError: it is a view, not Parquet, or partitioned by several columns: not one of the platform's.
    """
    storage, keys, parameters = table.get("StorageDescriptor", {}), table.get("PartitionKeys", []), table.get("Parameters", {})
    check_ours(
        f"{table['DatabaseName']}.{table['Name']}",
        table_type=table.get("TableType"),
        input_format=storage.get("InputFormat"),
        partition_columns=len(keys),
    )
    return TableDefinition(
        database=table["DatabaseName"],
        name=table["Name"],
        columns=tuple(TableColumn(item["Name"], item["Type"], item.get("Comment", "")) for item in storage["Columns"]),
        partition_column=keys[0]["Name"] if keys else None,
        location_uri=storage.get("Location", ""),
        comment=parameters.get("comment", ""),
        parameters=told_parameters(parameters),
    )


def pointer_of_partition(partition: Document) -> Pointer:
    """Returns what a partition shows."""
    return pointer_from(partition["Values"][0], partition["StorageDescriptor"]["Location"], partition.get("Parameters", {}))


def pointer_of_table(table: Document) -> Pointer | None:
    """Returns what an unpartitioned table shows; None where it shows nothing of ours."""
    parameters = table.get("Parameters", {})
    shown = parameters.get(PARTITION_PARAMETER, "")
    return pointer_from(shown, table["StorageDescriptor"]["Location"], parameters) if shown else None


def _input(table: Document, storage: Document, parameters: Document) -> dict[str, Any]:
    kept = {key: table[key] for key in _INPUT_KEYS if key in table}
    return {**kept, "StorageDescriptor": storage, "Parameters": parameters}


def _storage(columns: tuple[TableColumn, ...], location: str) -> dict[str, Any]:
    return {
        "Columns": _columns(columns),
        "Location": location,
        "InputFormat": INPUT_FORMAT,
        "OutputFormat": OUTPUT_FORMAT,
        "Compressed": False,
        "NumberOfBuckets": -1,
        "SerdeInfo": {"SerializationLibrary": SERDE, "Parameters": dict(SERDE_PARAMETERS)},
        "StoredAsSubDirectories": False,
    }


def _columns(columns: tuple[TableColumn, ...]) -> list[dict[str, str]]:
    return [{"Name": column.name, "Type": column.type, "Comment": column.comment} for column in columns]
