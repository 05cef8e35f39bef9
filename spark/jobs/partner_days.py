"""The schema of each day of partner files, and how the days of a collection depend on each other. Pure; reads nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from spark.contract import Column, Finding, PartitionState, PartitionWork, PartnerCollection, SchemaChange
from spark.decode.partner.evolution import evolve_columns, standing_columns
from spark.decode.partner.kinds import Kind, merged
from spark.decode.partner.names import ADDED
from spark.jobs.audit import state_of
from spark.jobs.outcome import ShardOutcome, failed
from spark.jobs.partner_stage import FileLook
from spark.publish.intent import out_of_order


@dataclass
class PartnerDay:
    """One collection's day in progress. After `plan_schemas` the collection's table has the day's columns.

    `findings` say what is wrong with it before it is read.
    """

    work: PartitionWork
    collection: PartnerCollection
    looks: dict[str, FileLook] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    changes: tuple[SchemaChange, ...] = ()
    shards_expected: int = 0
    outcomes: list[ShardOutcome] = field(default_factory=list)

    @property
    def is_readable(self) -> bool:
        """Whether nothing prevents reading it."""
        return not self.findings

    @property
    def is_read(self) -> bool:
        """Whether every task of it has ended."""
        return len(self.outcomes) == self.shards_expected


def known_columns(collection: PartnerCollection, there: Sequence[Column]) -> frozenset[str]:
    """Returns the columns whose types need not be inferred: the table's, and those configured."""
    standing = standing_columns(there, collection.tables[0].columns, row_hash=collection.row_hash)
    return frozenset(column.name for column in standing)


def plan_schemas(days: Iterable[PartnerDay], there: Mapping[str, Sequence[Column]]) -> None:
    """Gives each day its table's columns, the days of a collection in order, and finds what prevents reading it.

    Args:
        days: all of an application, each with the inspection results of its files.
        there: by collection, the columns of its existing table; none if there is no table.
    """
    by_collection: dict[str, list[PartnerDay]] = defaultdict(list)
    for day in sorted(days, key=lambda day: day.work.export_date):
        by_collection[day.work.collection].append(day)
    for same in by_collection.values():
        collection = same[0].collection
        standing = standing_columns(there.get(collection.name, ()), collection.tables[0].columns, row_hash=collection.row_hash)
        before: PartnerDay | None = None
        for day in same:
            _look_back(day, before)
            standing = _plan_day(day, standing)
            before = day


def _look_back(day: PartnerDay, before: PartnerDay | None) -> None:
    day.findings += [finding for finding in day.work.findings if not finding.passed]
    day.findings += [look.finding for look in day.looks.values() if look.finding is not None]
    if before is not None and before.findings and day.collection.evolves:
        day.findings.append(waits_for(before.work, state_of(before.findings)))


def _plan_day(day: PartnerDay, standing: tuple[Column, ...]) -> tuple[Column, ...]:
    evolved = evolve_columns(standing, _columns_of(day.looks.values()))
    day.changes = evolved.changes
    if evolved.changes and not day.collection.evolves and day.is_readable:
        day.findings.append(_refused_change(day))
    columns = evolved.columns if day.is_readable else standing
    table = msgspec.structs.replace(day.collection.tables[0], columns=columns)
    day.collection = msgspec.structs.replace(day.collection, tables=(table,))
    return columns


def _columns_of(looks: Iterable[FileLook]) -> dict[str, Kind | None]:
    """The day's columns over all its files, with the kinds of those that are new."""
    columns: dict[str, Kind | None] = {}
    for look in looks:
        for column in look.names.values():
            kind = look.kinds.get(column)
            before = columns.get(column)
            columns[column] = kind if before is None else before if kind is None else merged((before, kind))
    return columns


def retyped(day: PartnerDay) -> tuple[SchemaChange, ...]:
    """Returns the columns in which the day had values that did not cast."""
    types = {column.name: column.type for column in day.collection.tables[0].columns}
    kinds: dict[str, list[Kind]] = defaultdict(list)
    for outcome in day.outcomes:
        for name, misfit in outcome.misfits.items():
            kinds[name].append(misfit.kind)
    return tuple(
        SchemaChange(change="retyped", column=name, before=types[name], after=merged(found).column_type)
        for name, found in sorted(kinds.items())
    )


def waits_for(before: PartitionWork, state: PartitionState) -> Finding:
    """Returns what keeps a day from being published: the day before is not, and the schema follows the order of days."""
    return failed(
        "order",
        place=before.export_date,
        cause=out_of_order(before.export_date),
        remedy=f"Mend {before.export_date} first: this day follows with the next run",
        transient=state is PartitionState.FAILED,
    )


def describe_changes(changes: Sequence[SchemaChange]) -> str:
    """Returns schema changes as one line."""
    texts = {
        "added": "{column} added as {after}",
        "missing": "{column} missing",
        "retyped": "{column} {before} came as {after}",
    }
    return ", ".join(
        texts[change.change].format(column=change.column, before=change.before, after=change.after) for change in changes
    )


def _refused_change(day: PartnerDay) -> Finding:
    return failed(
        "schema",
        place=day.work.export_date,
        cause=f"the source's columns are not the table's: {describe_changes(day.changes)}",
        remedy="Configure the columns as they are now, or let the collection evolve (`evolves: true`)",
    )


def source_columns(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Returns the columns that come from the source."""
    return tuple(column for column in columns if column.name not in ADDED)
