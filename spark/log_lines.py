"""Logs as JSON lines for log queries: `timestamp`, `log_level`, `message`, and fields that say what the line is about.

Callers pass a line's own fields in `extra={"fields": {...}}`. Source records are never among them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

LogValue = str | int | float
Fields = Mapping[str, LogValue]
"""What a line is about, by name: `correlation_id`, `collection`, `partition`, `run`, `seconds`."""


def log_line(message: str, *, level: str = "INFO", at_utc: datetime, fields: Fields) -> str:
    """Returns one line: the three common fields, followed by those that say what it is about."""
    timestamp = at_utc.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"timestamp": timestamp, "log_level": level, "message": message, **fields}, ensure_ascii=False)


def time_taken(what: str, seconds: float) -> str:
    """Returns the message that log queries use to find how long a collection, or `all`, took."""
    return f"time taken for {what}: {seconds:.3f}"


class JsonLines(logging.Formatter):
    """Formats records as JSON lines.

    Args:
        fields: of every line; may be added to later.
    """

    def __init__(self, fields: Fields | None = None) -> None:
        super().__init__()
        self.fields: dict[str, LogValue] = dict(fields or {})

    def format(self, record: logging.LogRecord) -> str:
        """Returns a record's line; a traceback is its field `exception`."""
        own: Fields = getattr(record, "fields", {})
        fields: dict[str, LogValue] = {"logger": record.name, **self.fields, **own}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        at_utc = datetime.fromtimestamp(record.created, UTC)
        return log_line(record.getMessage(), level=record.levelname, at_utc=at_utc, fields=fields)
