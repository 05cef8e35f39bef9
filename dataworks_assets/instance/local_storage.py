"""Dagster's storage on one machine: its own SQLite files, with cached SQL statements and the index kept open.

Dagster makes an engine for every connection, and a connection for every event. Most of an event's time then goes into
recompiling the same few statements, and into SQLite's checkpoint of a file that its last reader closes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine

_MOST_RUNS = 16


class SqliteEventLog(SqliteEventLogStorage):
    """Dagster's event log storage, in the same files, with one cached engine per file.

    The index of all runs has one connection that stays open. A run's own file is closed after every event, as in Dagster:
    the checkpoint changes the file, by which the UI notices that the run has a new event.

    SQLite's locks belong to the process: other code in it that opens and closes the index's files releases the locks of the
    open connection, and another process may then corrupt the index. Read these files in another process.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._using = threading.Lock()
        super().__init__(base_dir, inst_data)

    def run_connection(self, run_id: str | None = None) -> Any:
        """Returns a context of a transaction in a run's file."""
        assert run_id is not None  # noqa: S101 - Dagster gives none only where runs have no files of their own
        return self._transaction(run_id)

    def index_connection(self) -> Any:
        """Returns a context of a transaction in the index of all runs."""
        return self._transaction(INDEX_SHARD_NAME)

    @contextmanager
    def _transaction(self, shard: str) -> Iterator[Connection]:
        with self._using:
            engine = self._engines.get(shard) or self._open(shard)
            with engine.begin() as connection:
                yield connection

    def _open(self, shard: str) -> Engine:
        with super().run_connection(shard):  # makes the file where there is none
            pass
        runs = [known for known in self._engines if known != INDEX_SHARD_NAME]
        if len(runs) >= _MOST_RUNS:
            del self._engines[runs[0]]
        is_index = shard == INDEX_SHARD_NAME
        pool: dict[str, Any] = {"poolclass": QueuePool, "pool_size": 1} if is_index else {"poolclass": NullPool}
        waits = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
        self._engines[shard] = create_engine(self.conn_string_for_shard(shard), connect_args=waits, **pool)
        return self._engines[shard]

    def wipe(self) -> None:
        """Deletes all runs' files and empties the index."""
        super().wipe()
        self._close()

    def dispose(self) -> None:
        """Closes the files."""
        super().dispose()
        self._close()

    def _close(self) -> None:
        with self._using:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()


class LocalStorage(DagsterSqliteStorage):
    """Dagster's own, with this event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = SqliteEventLog(str(Path(base_dir, "history", "runs")))  # where Dagster has it, too

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> Self:
        """Opens the storage in its folder."""
        return cls.from_local(inst_data=inst_data, **config_value)
