"""Status tables in memory: what a change does to a row, without DynamoDB; a hook is the place for faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from dataworks_assets.ledger.dynamo import Attributes, Unwritten
from dataworks_assets.ledger.rows import Guard, RowChange
from spark.errors import LedgerError


@dataclass
class MemoryTables:
    """Rows by table and key. `hook` is called with each change before it is made, and may refuse it; `down` refuses all."""

    hook: Callable[[RowChange], None] | None = None
    down: bool = False
    made: list[RowChange] = field(default_factory=list)
    _rows: dict[tuple[str, ...], Attributes] = field(default_factory=dict)

    def write(self, changes: Sequence[RowChange]) -> list[Unwritten]:
        unwritten = []
        for change in changes:
            try:
                if self.hook:
                    self.hook(change)
            except LedgerError as error:
                unwritten.append(Unwritten(change, error))
                continue
            if self.down:
                unwritten.append(Unwritten(change, LedgerError("the table is down", where=str(change))))
            else:
                self._make(change)
        return unwritten

    def _make(self, change: RowChange) -> None:
        row = self._rows.get(change.row, {})
        if change.guard is not None and not _lets_through(change.guard, row):
            return
        self.made.append(change)
        row = {**change.key, **change.defaults, **row, **change.sets}
        if change.counted:
            row[change.counted] = int(row.get(change.counted, 0)) + 1
        self._rows[change.row] = row

    def row(self, table: str, *key: str) -> Attributes:
        """A row; empty where there is none."""
        return self._rows.get((table, *key), {})

    def all(self, table: str) -> list[Attributes]:
        """Every row of a table."""
        return [row for (name, *_), row in sorted(self._rows.items()) if name == table]

    def rows(self, table: str, *, key: tuple[str, str] | None = None, where: Mapping[str, str]) -> list[Attributes]:
        wanted = {**where, **(dict([key]) if key else {})}
        return [row for row in self.all(table) if all(row.get(name) == value for name, value in wanted.items())]

    def delete(self, table: str, key: Mapping[str, str]) -> None:
        self._rows.pop((table, *key.values()), None)


def _lets_through(guard: Guard, row: Attributes) -> bool:
    there = row.get(guard.attribute)
    return there is None or int(there) < guard.most or (guard.or_equal and int(there) == guard.most)
