"""The Dagster events of a partition: its materialization with metadata, and its check with the evidence as a table.

One event of each kind per collection and partition. Pure: events are made here and logged by whoever runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetKey,
    AssetMaterialization,
    AssetObservation,
    MarkdownMetadataValue,
    MetadataValue,
    TableColumn,
    TableMetadataValue,
    TableRecord,
    TableSchema,
)

from spark.contract import Finding, PartitionResult, PartitionState, SchemaChange
from spark.publish.catalog import Pointer
from spark.publish.catalog import TableColumn as CatalogColumn

CHECK_NAME = "published"
_MEBIBYTE = 1024 * 1024
_EVIDENCE_SCHEMA = TableSchema(
    columns=[
        TableColumn("check"),
        TableColumn("passed", "boolean"),
        TableColumn("object"),
        TableColumn("place"),
        TableColumn("cause"),
        TableColumn("remedy"),
    ]
)
_MOST_FINDINGS = 50


@dataclass(frozen=True)
class ReportContext:
    """What all events of a run share: `log` is that of its application, `upstream` the asset that its assets are made from."""

    run_id: str
    log: MetadataValue[Any] | None = None
    upstream: AssetKey | None = None


def published_event(
    key: AssetKey, result: PartitionResult, context: ReportContext, *, partition_column: str = "export_date"
) -> AssetMaterialization:
    """Returns the materialization event of a partition that a run has just published."""
    main = result.tables[0]
    metadata: dict[str, object] = {
        "rows": result.rows,
        "dagster/partition_row_count": result.rows,
        "files": len(main.files),
        "input_files": result.files,
        "input_bytes": result.input_bytes,
        "decoded_bytes": result.decoded_bytes,
        "output_bytes": result.output_bytes,
        "seconds": round(result.seconds, 3),
        "megabytes_per_second": round(result.decoded_bytes / 1e6 / result.seconds, 1) if result.seconds else 0.0,
        "quarantined_rows": result.quarantined_rows,
        "fingerprint": result.fingerprint,
        "attempt": result.attempt,
        "location": MetadataValue.path(main.location),
        "unchanged": False,
        "application_run_id": context.run_id,
    }
    if context.log is not None:
        metadata["log"] = context.log
    if result.schema:
        columns = [CatalogColumn(each.name, each.type, each.comment) for each in result.schema]
        metadata["dagster/column_schema"] = column_schema(columns, partition_column=partition_column)
        metadata["schema_changes"] = schema_changes(result.schema_changes)
    if result.preview:
        metadata["preview"] = _preview(result.preview)
    tags = _tags(result.fingerprint, result.config_hash, context.upstream)
    return AssetMaterialization(key, partition=result.export_date, metadata=metadata, tags=tags)  # type: ignore[arg-type]


def schema_event(key: AssetKey, result: PartitionResult) -> AssetObservation:
    """Returns the event that lists how a partition's source differs from the table's schema, for the asset's history."""
    texts = [f"{each.column}: {each.before or '-'} to {each.after or '-'} ({each.change})" for each in result.schema_changes]
    return AssetObservation(
        key,
        partition=result.export_date,
        description=f"The schema changed: {'; '.join(texts)}",
        metadata={
            "schema_changes": schema_changes(result.schema_changes),
            "columns_added": sum(each.change == "added" for each in result.schema_changes),
            "columns_missing": sum(each.change == "missing" for each in result.schema_changes),
            "columns_retyped": sum(each.change == "retyped" for each in result.schema_changes),
        },
    )


def schema_changes(changes: Sequence[SchemaChange]) -> TableMetadataValue:
    """Returns schema changes as a table: change, column, type before, type after."""
    records = [
        TableRecord({"change": each.change, "column": each.column, "before": each.before, "after": each.after})
        for each in changes
    ]
    schema = TableSchema(columns=[TableColumn(name) for name in ("change", "column", "before", "after")])
    return TableMetadataValue(records=records, schema=schema)


def unchanged_event(key: AssetKey, pointer: Pointer, *, reason: str, upstream: AssetKey | None = None) -> AssetMaterialization:
    """Returns the materialization event of a partition that was already published and was not read again."""
    metadata: dict[str, object] = {
        "rows": pointer.rows,
        "dagster/partition_row_count": pointer.rows,
        "files": pointer.files,
        "output_bytes": pointer.size_bytes,
        "fingerprint": pointer.fingerprint,
        "attempt": pointer.attempt,
        "location": MetadataValue.path(pointer.location),
        "unchanged": True,
        "reason": reason,
        "published_by_run": pointer.run_id,
        "published_utc": pointer.published_utc,
    }
    tags = _tags(pointer.fingerprint, pointer.config_hash, upstream)
    return AssetMaterialization(key, partition=pointer.partition, metadata=metadata, tags=tags)  # type: ignore[arg-type]


def _tags(data_version: str, code_version: str, upstream: AssetKey | None) -> dict[str, str]:
    """Returns the tags that Dagster itself puts on the materializations it creates.

    Without the two tags about the upstream asset, Dagster would show every partition as out of sync because of a new
    dependency. Whether the upstream changed is not Dagster's to say: the fingerprint decides that.
    """
    tags = {"dagster/data_version": data_version, "dagster/code_version": code_version}
    if upstream is not None:
        name = upstream.to_user_string()
        tags |= {f"dagster/input_data_version/{name}": "INITIAL", f"dagster/input_event_pointer/{name}": "NULL"}
    return tags


def check_event(key: AssetKey, result: PartitionResult, context: ReportContext) -> AssetCheckEvaluation:
    """Returns the check result of a partition that a run has read, with all findings, failed ones first."""
    return _check(
        key,
        result.export_date,
        passed=result.state is PartitionState.PUBLISHED,
        findings=result.findings,
        text=summary(result),
        numbers={"rows": result.rows, "quarantined_rows": result.quarantined_rows},
        log=context.log,
    )


def failed_check_event(key: AssetKey, partition: str | None, *findings: Finding) -> AssetCheckEvaluation:
    """Returns the failed check of a partition that could not be read or stays as it was; `partition` may be None."""
    more = f" (and {len(findings) - 1} more findings)" if len(findings) > 1 else ""
    text = describe(findings[0], day=partition or "") + more
    return _check(key, partition, passed=False, findings=findings, text=text)


def unchanged_check_event(key: AssetKey, pointer: Pointer, *, reason: str) -> AssetCheckEvaluation:
    """Returns the check result of an already published partition; its evidence is that of the run that published it."""
    finding = Finding(check="unchanged", passed=True, cause=f"{reason}; published by run {pointer.run_id}")
    return _check(key, pointer.partition, passed=True, findings=(finding,), text=reason, numbers={"rows": pointer.rows})


def _check(
    key: AssetKey,
    partition: str | None,
    *,
    passed: bool,
    findings: Sequence[Finding],
    text: str,
    numbers: Mapping[str, int] | None = None,
    log: MetadataValue[Any] | None = None,
) -> AssetCheckEvaluation:
    ordered = sorted(findings, key=lambda finding: finding.passed)
    metadata: dict[str, MetadataValue[Any]] = {
        "evidence": _table(ordered[:_MOST_FINDINGS]),
        "summary": MetadataValue.text(text),
        **{name: MetadataValue.int(number) for name, number in (numbers or {}).items()},
    }
    if len(ordered) > _MOST_FINDINGS:
        metadata["findings_not_shown"] = MetadataValue.int(len(ordered) - _MOST_FINDINGS)
    if log is not None:
        metadata["log"] = log
    return AssetCheckEvaluation(
        asset_key=key,
        check_name=CHECK_NAME,
        passed=passed,
        partition=partition,
        severity=AssetCheckSeverity.ERROR,
        description=text,
        metadata=metadata,
    )


def _table(findings: Sequence[Finding]) -> TableMetadataValue:
    records = [
        TableRecord(
            {
                "check": finding.check,
                "passed": finding.passed,
                "object": finding.object,
                "place": finding.place,
                "cause": finding.cause,
                "remedy": finding.remedy,
            }
        )
        for finding in findings
    ]
    return TableMetadataValue(records=records, schema=_EVIDENCE_SCHEMA)


def summary(result: PartitionResult) -> str:
    """Returns one line on how a partition ended: its rows, or its first failed finding and how many more there are."""
    wrong = [finding for finding in result.findings if not finding.passed]
    if not wrong:
        return f"{result.rows:,} rows published"
    more = f" (and {len(wrong) - 1} more findings)" if len(wrong) > 1 else ""
    return describe(wrong[0], day=result.export_date) + more


def describe(finding: Finding, *, day: str = "") -> str:
    """Returns a finding as one line: object, place, cause, remedy; a place that only repeats the `day` is left out."""
    place = "" if finding.place == day else finding.place
    where = ", ".join(filter(None, (finding.object, place)))
    text = f"{where}: {finding.cause}" if where else finding.cause
    return f"{text}. {finding.remedy}" if finding.remedy else text


def column_schema(columns: Sequence[CatalogColumn], *, partition_column: str) -> TableSchema:
    """Returns the table's columns as Dagster's column schema."""
    shown = [TableColumn(column.name, column.type, description=column.comment or None) for column in columns]
    return TableSchema(columns=[*shown, TableColumn(partition_column, "string", description="the partition's day, YYYY-MM-DD")])


def _preview(rows: Sequence[dict[str, str | None]]) -> MarkdownMetadataValue:
    names = list(rows[0])
    lines = [" | ".join(names), " | ".join("---" for _ in names)]
    lines += [" | ".join(_cell(row.get(name)) for name in names) for row in rows]
    return MetadataValue.md("\n".join(f"| {line} |" for line in lines))


def _cell(value: str | None) -> str:
    return "" if value is None else value.replace("|", "\\|").replace("\n", " ")
