"""A run's log lines as JSON in its product's log group, for log queries. Dagster's own log of the run has more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from dataworks_assets.ledger.entries import RunEntry
from spark.errors import LedgerError
from spark.log_lines import Fields, log_line

_BATCH_LINES = 1_000
_BATCH_BYTES = 900_000
"""CloudWatch accepts 1 MiB per call, counting 26 extra bytes per line."""
_LINE_BYTES = 200_000
_OVERHEAD_BYTES = 26
_THERE_ALREADY = "ResourceAlreadyExistsException"
_NOT_THERE = "ResourceNotFoundException"

TimedLine = tuple[int, str]
"""Milliseconds since 1970, and the line."""


@dataclass(frozen=True)
class Line:
    """One log line of a run: time, level, message, and fields that say what it is about."""

    at_utc: datetime
    level: str
    message: str
    fields: Fields


class LogGroups(Protocol):
    """Where lines are sent."""

    def send(self, group: str, stream: str, lines: Sequence[TimedLine]) -> None:
        """Sends lines, oldest first.

        Raises:
            LedgerError: they were not taken.
        """


@dataclass(frozen=True)
class RunLogs:
    """The log lines of one system's runs: one group per product, one stream per run. `group` may contain `{product}`."""

    groups: LogGroups
    group: str

    def send(self, entry: RunEntry, lines: Sequence[Line]) -> None:
        """Sends lines of a run.

        Raises:
            LedgerError: they were not taken.
        """
        about: Fields = {"product": entry.product, "run": entry.run_id}
        timed = [
            (
                int(line.at_utc.timestamp() * 1000),
                log_line(line.message, level=line.level, at_utc=line.at_utc, fields={**about, **line.fields}),
            )
            for line in sorted(lines, key=lambda each: each.at_utc)
        ]
        self.groups.send(self.group.format(product=entry.product), entry.run_id, timed)


@dataclass(frozen=True)
class CloudWatchLogs:
    """CloudWatch Logs; missing groups and streams are created.

    Args:
        client: makes the boto3 client, on first use.
    """

    client: Callable[[], Any]

    def send(self, group: str, stream: str, lines: Sequence[TimedLine]) -> None:
        """Sends lines in batches."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            for batch in _batches(lines):
                self._put(group, stream, batch)
        except (BotoCoreError, ClientError) as error:
            raise LedgerError(
                f"the log group takes nothing: {error}",
                where=group,
                remedy="See that the role may write to it (`ledger.log_group` of the deployment)",
            ) from error

    def _put(self, group: str, stream: str, batch: Sequence[TimedLine]) -> None:
        from botocore.exceptions import ClientError

        client = self.client()
        events = [{"timestamp": at_ms, "message": line} for at_ms, line in batch]
        try:
            client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        except ClientError as error:
            if error.response["Error"]["Code"] != _NOT_THERE:
                raise
            _make(lambda: client.create_log_group(logGroupName=group))
            _make(lambda: client.create_log_stream(logGroupName=group, logStreamName=stream))
            client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def _make(create: Callable[[], object]) -> None:
    """Creates what may already exist. If the role may not create groups, they are expected to exist."""
    from botocore.exceptions import ClientError

    try:
        create()
    except ClientError as error:
        if error.response["Error"]["Code"] not in {_THERE_ALREADY, "AccessDeniedException"}:
            raise


def _batches(lines: Sequence[TimedLine]) -> Iterator[list[TimedLine]]:
    """Yields lines in batches that CloudWatch accepts; truncates lines that are too long for it."""
    batch: list[TimedLine] = []
    size = 0
    for at_ms, text in lines:
        encoded = text.encode()
        line = text if len(encoded) <= _LINE_BYTES else encoded[:_LINE_BYTES].decode(errors="ignore")
        more = min(len(encoded), _LINE_BYTES) + _OVERHEAD_BYTES
        if batch and (len(batch) == _BATCH_LINES or size + more > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((at_ms, line))
        size += more
    if batch:
        yield batch
