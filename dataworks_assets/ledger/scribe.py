"""Writes the ledger in the background: in order, with retries, and without holding up the run.

A run only enqueues what is to be written. A row that reaches another status before it was written is written once, with the
newest status, so a table that is slower than the run gets fewer writes, not a longer queue. A value that a row already has is
not written again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice

from dataworks_assets.ledger.dynamo import CONNECTIONS, StatusTables, Unwritten
from dataworks_assets.ledger.rows import RowChange
from spark.errors import DataworksError

Deed = Callable[[], None]

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 15.0
_TRIES = 3
_TOGETHER = 4 * CONNECTIONS
"""How many rows are written before the queue is looked at again."""

_Slot = tuple[tuple[str, ...], str]
_Rows = dict[_Slot, RowChange]


class Scribe:
    """Executes queued work in its own thread, until it is ended.

    Args:
        tables: where rows are written.
        in_background: if false, everything is done at once in the caller's thread, and errors other than the platform's are
            raised; for tests, and for callers that have nothing else to do.
    """

    def __init__(self, tables: StatusTables, *, in_background: bool = True) -> None:
        self._tables = tables
        self._todo: deque[Deed | _Rows] = deque()
        self._aside: deque[Deed] = deque()
        self._left: _Rows = {}
        self._made: _Rows = {}
        self._problems: list[str] = []
        self._change = threading.Condition()
        self._ending = False
        self._working = False
        self._waits_in_vain = False
        self._thread: threading.Thread | None = None
        if in_background:
            self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
            self._thread.start()

    def do(self, deed: Deed) -> None:
        """Queues an action to be done after all earlier work."""
        with self._change:
            self._todo.append(deed)
        self._given()

    def do_aside(self, deed: Deed) -> None:
        """Queues an action to be done soon, independently of rows."""
        with self._change:
            self._aside.append(deed)
        self._given()

    def write(self, changes: Iterable[RowChange]) -> None:
        """Queues changes of rows; each replaces a pending change to the same that was queued after the last action."""
        with self._change:
            if not self._todo or not isinstance(self._todo[-1], dict):
                self._todo.append({})
            rows = self._todo[-1]
            if isinstance(rows, dict):
                _renew(rows, changes)
        self._given()

    def settle(self, patience_seconds: float) -> list[str]:
        """Waits for all work, up to a time limit; returns what is not done, one entry each with its cause.

        Does not wait if all that is left are changes that a table refuses for good, for example because it does not exist.
        """
        deadline = time.monotonic() + patience_seconds
        with self._change:
            while self._is_worth_waiting() and (left_seconds := deadline - time.monotonic()) > 0:
                self._change.wait(left_seconds)
            waiting = [f"{row}: not tried yet" for rows in self._todo if isinstance(rows, dict) for row in rows.values()]
            busy = ["writing is still under way"] if self._working else []
            return [*self._problems, *(f"{change}: not written" for change in self._left.values()), *waiting, *busy]

    def end(self) -> None:
        """Ends the thread after its current action; the rest is not done."""
        with self._change:
            self._ending = True
            self._change.notify_all()

    def _has_work(self) -> bool:
        return bool(self._todo or self._aside)

    def _is_busy(self) -> bool:
        return bool(self._has_work() or self._left or self._working)

    def _is_worth_waiting(self) -> bool:
        return self._is_busy() and (self._has_work() or self._working or not self._waits_in_vain)

    def _given(self) -> None:
        with self._change:
            self._change.notify_all()
        if self._thread is None:
            self._work()

    def _run(self) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            with self._change:
                while not self._ending and not self._has_work() and not self._left:
                    self._change.wait()
                if self._ending:
                    return
                self._working = True
            self._work_on()
            with self._change:
                if self._left and not self._ending:
                    self._change.wait(pause_seconds)
                pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS) if self._left else _FIRST_PAUSE_SECONDS

    def _work_on(self) -> None:
        """The thread's main: any error becomes a reported problem, and the thread goes on."""
        try:
            self._work()
        except Exception as error:  # noqa: BLE001
            self._problems.append(f"{type(error).__name__}: {error}")
        finally:
            with self._change:
                self._working = False
                self._change.notify_all()

    def _work(self) -> None:
        """Does all pending work: adjacent rows together, everything else one by one."""
        self._write_rows({})
        while (task := self._next()) is not None:
            if isinstance(task, dict):
                self._write_rows(task)
            else:
                self._do(task)

    def _next(self) -> Deed | _Rows | None:
        """Takes the next work from the queue; None if there is none."""
        with self._change:
            if self._aside:
                return self._aside.popleft()
            if not self._todo:
                return None
            first = self._todo[0]
            if not isinstance(first, dict) or len(first) <= _TOGETHER:
                return self._todo.popleft()
            return {slot: first.pop(slot) for slot in list(islice(first, _TOGETHER))}

    def _write_rows(self, rows: _Rows) -> None:
        """Writes left-over rows, then these; tries one left-over row first, so that a table that is down costs one call."""
        rows = {slot: row for slot, row in rows.items() if slot in self._left or self._made.get(slot) != row}
        before = self._left_but(rows)
        probes = {change.table: change for change in reversed(before)}
        refused = self._make(list(probes.values()))
        down = {each.change.table for each in refused}
        rest = [*(each for each in before if probes[each.table] is not each), *rows.values()]
        unwritten = self._make([each for each in rest if each.table not in down])
        with self._change:
            self._left.clear()
            self._keep(each for each in [*before, *rows.values()] if each.table in down)
            self._keep(each.change for each in unwritten)
            self._waits_in_vain = not any(each.error.transient for each in (*refused, *unwritten))

    def _make(self, rows: list[RowChange]) -> list[Unwritten]:
        """Makes changes and returns those that could not be made, or whose outcome is unknown."""
        unwritten = self._tables.write(rows)
        _renew(self._made, rows)
        for each in unwritten:
            self._made.pop(_slot(each.change), None)
        return unwritten

    def _left_but(self, rows: _Rows) -> list[RowChange]:
        """Returns left-over changes that these rows do not supersede."""
        with self._change:
            for slot in rows:
                self._left.pop(slot, None)
            return list(self._left.values())

    def _keep(self, rows: Iterable[RowChange]) -> None:
        with self._change:
            _renew(self._left, rows)

    def _do(self, deed: Deed) -> None:
        for attempt in range(_TRIES):
            try:
                deed()
            except DataworksError as error:
                if attempt == _TRIES - 1 or not error.transient:
                    self._problems.append(str(error))
                    return
            else:
                return


def _renew(rows: _Rows, changes: Iterable[RowChange]) -> None:
    """Appends changes to pending rows; each replaces a pending change to the same."""
    for change in changes:
        rows.pop(_slot(change), None)
        rows[_slot(change)] = change


def _slot(change: RowChange) -> _Slot:
    return change.row, change.phase
