"""The audit of one day of partner files before it may be published. Pure: judges what planning, inspection and tasks found."""

from __future__ import annotations

from spark.contract import Finding
from spark.jobs.audit import counted, row_count
from spark.jobs.outcome import failed
from spark.jobs.partner_days import PartnerDay, describe_changes, retyped


def audit_partner_day(day: PartnerDay, *, held_up: Finding | None = None) -> tuple[Finding, ...]:
    """Returns every finding about the day; it may be published when all of them passed.

    Args:
        day: read completely, or not to be read at all.
        held_up: finding that an earlier day, whose schema this one follows, was not published.
    """
    files = [file for outcome in day.outcomes for file in outcome.files]
    failures = [
        *day.findings,
        *([held_up] if held_up else []),
        *(finding for file in files for finding in file.findings),
        *(finding for outcome in day.outcomes for finding in outcome.findings),
    ]
    if not failures:
        failures = [*_quarantine(day), *_counts(day), *_misfits(day)]
    return (*failures, *([] if failures else _evidence(day)))


def _quarantine(day: PartnerDay) -> list[Finding]:
    files = [file for outcome in day.outcomes for file in outcome.files]
    rows, quarantined = sum(file.lines for file in files), sum(file.quarantined for file in files)
    if quarantined <= rows * day.collection.quarantine_share:
        return []
    worst = max(files, key=lambda file: file.quarantined)
    more = f" and {worst.quarantined - 1:,} more of its {worst.lines:,}" if worst.quarantined > 1 else ""
    main = day.collection.tables[0]
    return [
        failed(
            "quarantine",
            object_uri=worst.uri,
            place=f"row {worst.first_quarantined}{more}",
            cause=f"{quarantined:,} of {rows:,} rows are none; {day.collection.quarantine_share:.2%} are allowed",
            remedy=f"They are in {main.database}.{main.name}_quarantine, with the reason: have the partner deliver the file"
            " again, or raise quarantine_share",
        )
    ]


def _counts(day: PartnerDay) -> list[Finding]:
    """Compares the rows written with the source's own count: CSV records, or elements of `data`."""
    counted = sum(file.lines - file.quarantined for outcome in day.outcomes for file in outcome.files)
    written = row_count(day.outcomes)
    if counted == written:
        return []
    cause = f"{written:,} rows were written of {counted:,} that the files hold"
    return [failed("rows", place=day.work.export_date, cause=cause, remedy="Run again; if it stays, report it", transient=True)]


def _misfits(day: PartnerDay) -> list[Finding]:
    if day.collection.evolves or not any(outcome.misfits for outcome in day.outcomes):
        return []
    return [
        failed(
            "schema",
            place=day.work.export_date,
            cause=f"values do not cast to their columns' types: {describe_changes(retyped(day))}",
            remedy="Configure the columns as they are now, or let the collection evolve (`evolves: true`)",
        )
    ]


def _evidence(day: PartnerDay) -> list[Finding]:
    files = [file for outcome in day.outcomes for file in outcome.files]
    quarantined = sum(file.quarantined for file in files)
    rows = row_count(day.outcomes)
    changes = describe_changes((*day.changes, *retyped(day)))
    marks = "marked PII" if day.collection.pii else "no field is marked PII"
    return [
        _passed("read", f"{counted(len(files), 'file')} read whole"),
        _passed(
            "schema",
            f"changed: {changes}" if changes else f"{counted(len(day.collection.tables[0].columns), 'column')}, as before",
        ),
        *(_passed("schema", text) for text in _casts(day)),
        _passed("pii", f"the collection is {marks}"),
        _passed("quarantine", f"{quarantined:,} of {counted(rows + quarantined, 'row')} quarantined"),
        _passed("rows", f"{counted(rows, 'row')}, as many as the files hold"),
    ]


def _casts(day: PartnerDay) -> list[str]:
    """Reports values that did not cast, column by column; for tables that follow their source they refuse no day."""
    totals: dict[str, tuple[int, int]] = {}
    for outcome in day.outcomes:
        for name, misfit in outcome.misfits.items():
            count, values = totals.get(name, (0, 0))
            totals[name] = (count + misfit.count, values + misfit.values)
    return [
        f"{name}: {'no one' if count == values else f'{count:,}'} of {values:,} values "
        f"{'casts' if count == values else 'did not cast'}; error_desc says which"
        for name, (count, values) in sorted(totals.items())
    ]


def _passed(check: str, cause: str) -> Finding:
    return Finding(check=check, passed=True, cause=cause)
