"""What external Parquet tables in a Hive metastore and in Glue have in common: formats, parameters, names. No calls here."""

from __future__ import annotations

import re
from collections.abc import Mapping

from spark.errors import CatalogError
from spark.publish.catalog import PARAMETER_PREFIX, Pointer, TableDefinition, own_parameters, pointer_parameters

TABLE_TYPE = "EXTERNAL_TABLE"
INPUT_FORMAT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
OUTPUT_FORMAT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
SERDE_PARAMETERS = {"serialization.format": "1"}

PARTITION_PARAMETER = PARAMETER_PREFIX + "partition"
"""Parameter of an unpartitioned table: the partition that it shows."""

_CATALOGS_OWN = frozenset(
    {"EXTERNAL", "comment", "transient_lastDdlTime", "numFiles", "totalSize", "numRows", "rawDataSize", "bucketing_version"}
)
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.-]+")


def check_ours(where: str, *, table_type: str | None, input_format: str | None, partition_columns: int) -> None:
    """Refuses tables that are not the platform's.

    Raises:
        CatalogError: it is a view, not Parquet, or partitioned by several columns.
    """
    if table_type != TABLE_TYPE or input_format != INPUT_FORMAT or partition_columns > 1:
        raise CatalogError(
            f"there is a table of this name that is not the platform's ({table_type}, {input_format})",
            where=where,
            remedy="Rename or drop the other table, or configure another name",
            transient=False,
        )


def check_partition(where: str, value: str) -> None:
    """Refuses a partition value that Hive would escape in a partition's name."""
    if not _PLAIN_VALUE.fullmatch(value):
        raise CatalogError(f"{value!r} cannot be a partition's value", where=where, remedy="Use an ISO date", transient=False)


def table_parameters(definition: TableDefinition) -> dict[str, str]:
    """Returns a table's parameters, without what it points at."""
    comment = {"comment": definition.comment} if definition.comment else {}
    return {**definition.parameters, **comment, "EXTERNAL": "TRUE"}


def told_parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    """Returns the user's parameters: those that are neither the platform's nor the catalog's own."""
    return {key: value for key, value in own_parameters(parameters).items() if key not in _CATALOGS_OWN}


def pointed_parameters(pointer: Pointer) -> dict[str, str]:
    """Returns what the parameters of an unpartitioned table say about the files it shows."""
    return {**partition_parameters(pointer), PARTITION_PARAMETER: pointer.partition}


def partition_parameters(pointer: Pointer) -> dict[str, str]:
    """Returns a partition's parameters: the pointer, and statistics for which a metastore would otherwise list the location."""
    statistics = {"numFiles": str(pointer.files), "totalSize": str(pointer.size_bytes), "numRows": str(pointer.rows)}
    return {**pointer_parameters(pointer), **statistics}
