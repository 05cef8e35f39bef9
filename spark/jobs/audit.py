"""The audit of one collection's day before it may be published. Pure: judges what planning and the tasks found.

Each kind of check leaves at least one finding, passed or failed, so that there is evidence even if everything is fine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from msgspec.structs import replace

from spark.contract import Collection, Finding, PartitionState, PartitionWork
from spark.jobs.outcome import ShardOutcome, failed
from spark.jobs.unlock import KEY_SERVICE_PLACE

_CONFIRM = "If the export is right, run again with `confirm: true` (run configuration) or `--confirm` (command line)"

_LEAVE_FILES_OUT = {"read", "write"}
_OF_WHAT_WAS_READ = {"read", "manifest", "ids", "quarantine", "rows"}
"""Checks that cannot pass if a file could not be read or written, because they did not see all of it."""
_LEAVE_ROWS_OUT = {*_LEAVE_FILES_OUT, "manifest", "slices"}
"""Failed checks that explain missing rows: a finding about fewer rows than the day before would then mislead."""


def audit(
    work: PartitionWork, collection: Collection, shards: Sequence[ShardOutcome], *, extra: Sequence[Finding] = ()
) -> tuple[Finding, ...]:
    """Returns every finding about the day; it may be published when all of them passed.

    Args:
        work: what planning decided, with what it found wrong (gaps, overlaps, lost files).
        collection: the configuration that the day is judged by.
        shards: what the tasks read and wrote, for every shard.
        extra: findings of later steps, such as ids that occur in several tasks' parts of a slice.
    """
    failures = [
        *work.findings,
        *_told_once(finding for shard in shards for file in shard.files for finding in file.findings),
        *(finding for shard in shards for finding in shard.findings),
        *extra,
        *_quarantine(collection, shards),
    ]
    wrong = {finding.check for finding in failures if not finding.passed}
    if not wrong & _LEAVE_ROWS_OUT:
        failures += _rows(work, collection, shards)
        wrong |= {finding.check for finding in failures if not finding.passed}
    untold = wrong | (_OF_WHAT_WAS_READ if wrong & _LEAVE_FILES_OUT else set())
    evidence = [finding for finding in _evidence(work, collection, shards) if finding.check not in untold]
    return (*failures, *evidence)


def state_of(findings: Sequence[Finding]) -> PartitionState:
    """Refused if the data is at fault, failed if a retry may help, else published."""
    wrong = [finding for finding in findings if not finding.passed]
    if not wrong:
        return PartitionState.PUBLISHED
    return PartitionState.FAILED if any(finding.transient for finding in wrong) else PartitionState.REFUSED


def _told_once(findings: Iterable[Finding]) -> list[Finding]:
    """Reports an answer of the key service about many files once, for the first of them: one outage is one error."""
    told: dict[Finding, list[Finding]] = defaultdict(list)
    for finding in findings:
        is_service = finding.place.startswith(KEY_SERVICE_PLACE)
        told[replace(finding, object="") if is_service else finding].append(finding)
    return [_with_count(same) for same in told.values()]


def _with_count(same: list[Finding]) -> Finding:
    first = same[0]
    return first if len(same) == 1 else replace(first, cause=f"{first.cause}, for {len(same):,} files of this day")


def _quarantine(collection: Collection, shards: Sequence[ShardOutcome]) -> list[Finding]:
    lines = sum(file.lines for shard in shards for file in shard.files)
    quarantined = sum(file.quarantined for shard in shards for file in shard.files)
    if quarantined <= lines * collection.quarantine_share:
        return []
    worst = max((file for shard in shards for file in shard.files), key=lambda file: file.quarantined)
    option = "" if collection.snapshot_type == "full" else f" --type {collection.snapshot_type}"
    more = f" and {worst.quarantined - 1:,} more of its {worst.lines:,} lines" if worst.quarantined > 1 else ""
    why = f" (line {worst.first_quarantined}: {worst.first_cause})" if worst.first_cause else ""
    return [
        failed(
            "quarantine",
            object_uri=worst.uri,
            place=f"line {worst.first_quarantined}{more}",
            cause=f"{quarantined:,} of {lines:,} documents could not be decoded{why};"
            f" {collection.quarantine_share:.2%} are allowed",
            remedy=f"Look at them with `dataworks quarantine {collection.name}{option} --partition {shards[0].export_date}`,"
            " then have the file exported again or raise quarantine_share",
        )
    ]


def _rows(work: PartitionWork, collection: Collection, shards: Sequence[ShardOutcome]) -> list[Finding]:
    if work.previous_rows is None or work.confirmed or collection.snapshot_type != "full":
        return []
    rows = row_count(shards)
    share = collection.row_loss_share
    if work.previous_rows > 0 and rows == 0:
        cause = f"no rows, {_before(work)}"
    elif share is not None and rows < work.previous_rows * (1 - share):
        cause = f"{counted(rows, 'row')}, {_before(work)}: more than {share:.0%} lost"
    else:
        return []
    return [failed("rows", place=work.export_date, cause=cause, remedy=_CONFIRM)]


def _before(work: PartitionWork) -> str:
    """Names what a day is compared with: by its date if days in between were not exported or not published."""
    if work.previous_rows is None:
        return "no day before"
    is_next = work.previous_day in {"", (date.fromisoformat(work.export_date) - timedelta(days=1)).isoformat()}
    return f"{work.previous_rows:,} the day before" if is_next else f"{work.previous_rows:,} on {work.previous_day}"


def row_count(shards: Sequence[ShardOutcome]) -> int:
    """Returns the number of rows in the collection's main table."""
    return sum(file.rows for shard in shards for file in shard.tables[0]) if shards else 0


def _evidence(work: PartitionWork, collection: Collection, shards: Sequence[ShardOutcome]) -> list[Finding]:
    files = [file for shard in shards for file in shard.files]
    lines = sum(file.lines for file in files)
    quarantined = sum(file.quarantined for file in files)
    with_manifest = [file for file in files if file.manifest_lines is not None]
    recorded = sum(file.manifest_lines or 0 for file in with_manifest)
    compared = sum(file.ids_compared for file in files)
    slices = {(file.slice_start, file.slice_end) for file in work.files}
    columns = sum(len(table.columns) for table in collection.tables)
    notes = sorted({note for file in files for note in file.notes})
    rows = row_count(shards)
    batches = counted(len(work.files), "batch", "batches")
    return [
        _passed("read", f"{counted(len(files), 'file')} read whole" + (f"; {'; '.join(notes)}" if notes else "")),
        _passed("manifest", f"{_recorded(len(with_manifest), recorded)}; {counted(lines, 'line')} read"),
        _passed("ids", f"{counted(compared, 'id')} compared with the manifests" if compared else "reconciled by count: no ids"),
        _passed("slices", f"{counted(len(slices), 'slice')}, no overlap, no gap in {batches}"),
        _passed("schema", counted(columns, "declared column") if columns else "layout without declared columns"),
        _passed("quarantine", f"{quarantined:,} of {counted(lines, 'document')} quarantined"),
        _passed("rows", f"{counted(rows, 'row')}, {_before(work)}" + (" (confirmed by an operator)" if work.confirmed else "")),
    ]


def _recorded(manifests: int, documents: int) -> str:
    verb = "records" if manifests == 1 else "record"
    return f"{counted(manifests, 'manifest')} {verb} {counted(documents, 'document')}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Returns `1 file` or `2 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plural or noun + 's'}"


def _passed(check: str, cause: str) -> Finding:
    return Finding(check=check, passed=True, cause=cause)
