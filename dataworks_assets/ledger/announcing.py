"""Telling downstream of a complete day: the parameters file of the next product, the completion message, the PDM trigger."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from dataworks_assets.config.ledger import WindowConfig
from dataworks_assets.ledger.entries import DayEntry, RunEntry
from dataworks_assets.ledger.errands import Errand, ErrandKind, ErrandRunner
from dataworks_assets.ledger.judging import DayEnd
from dataworks_assets.ledger.rows import DayStatus
from spark.errors import ConflictError, NotFoundError
from spark.store import ObjectStore

_FIELDS = ("correlation_id", "s3_prefix", "snapshot_type", "export_date")
_TRIES = 5


@dataclass(frozen=True)
class ParametersFile:
    """`adg_params.csv`: the newest complete day, for the product that runs next."""

    store: ObjectStore
    uri: str

    def move_to(self, said: dict[str, str]) -> bool:
        """Makes the file name a day, unless it names a newer one already; returns whether it was written.

        Args:
            said: correlation_id, s3_prefix, snapshot_type and export_date.

        Raises:
            ConflictError: concurrent changes won repeatedly.
        """
        for _ in range(_TRIES - 1):
            with suppress(ConflictError):
                return self._move_to(said)
        return self._move_to(said)

    def _move_to(self, said: dict[str, str]) -> bool:
        etag = None
        with suppress(NotFoundError):
            body, etag = self.store.read_versioned(self.uri)
            if _named_date(body) > said["export_date"]:
                return False
        tags = {"snapshot_type": said["snapshot_type"]}
        self.store.put(self.uri, _csv(said), tags=tags, create=etag is None, replace=etag)
        return True


@dataclass(frozen=True)
class Announcer:
    """Tells downstream of complete days.

    Args:
        parameters: the parameters file.
        runner: stores and sends messages.
        window: when the PDM trigger may be sent; None: at any time.
    """

    parameters: ParametersFile
    runner: ErrandRunner
    window: WindowConfig | None

    def announce(self, entry: RunEntry, ends: Iterable[DayEnd], *, now: datetime) -> None:
        """Names the newest complete day in the parameters file, and sends the messages about each day once.

        Raises:
            StoreError: the file cannot be written, or the messages cannot be stored before they are sent.
        """
        complete = sorted((end.day for end in ends if end.status is DayStatus.COMPLETED), key=lambda day: day.date)
        if complete:
            self.parameters.move_to(message_of(entry, complete[-1]))
        errands = [errand for day in complete if day.tells for errand in self.errands_of(entry, day, now=now)]
        if errands:
            self.runner.take_on(errands)
            self.runner.run(entry.system, now=now)

    def errands_of(self, entry: RunEntry, day: DayEntry, *, now: datetime) -> list[Errand]:
        """Returns the messages to be sent about a complete day."""
        opens, closes = self.window.of(date.fromisoformat(day.date)) if self.window else (now, None)
        body = msgspec.json.encode(message_of(entry, day)).decode()
        times = {ErrandKind.COMPLETION: (now, None), ErrandKind.PDM: (opens, closes)}
        return [
            Errand(
                kind=kind,
                system=entry.system,
                product=entry.product,
                date=day.date,
                correlation_id=day.correlation_id,
                body=body,
                not_before_utc=not_before,
                not_after_utc=not_after,
            )
            for kind, (not_before, not_after) in times.items()
        ]


def message_of(entry: RunEntry, day: DayEntry) -> dict[str, str]:
    """Returns the message to downstream about a day."""
    values = (day.correlation_id, day.output_prefix, entry.kind, day.date)
    return dict(zip(_FIELDS, values, strict=True))


def _csv(said: dict[str, str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerow(said)
    return text.getvalue().encode()


def _named_date(body: bytes) -> str:
    """Returns the export date that a parameters file names; empty if it names none."""
    rows = list(csv.DictReader(io.StringIO(body.decode(errors="replace"))))
    return (rows[0].get("export_date") or "") if rows else ""
