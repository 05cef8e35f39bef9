"""The inbox: every message of an export is kept as an object, from before it leaves the queue until its run has ended.

`inbox/<type>/<date>/` holds messages that wait or whose run goes on, `inbox_done/` those that are done with, and
`inbox_refused/` those that were rejected. An object is written at its new place before it is deleted at the old one, so
that a crash never loses one.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems.adg.automation.messages import ExportMessage
from spark.contract import Document, decode, encode
from spark.errors import ConfigurationError, DataworksError
from spark.store import ObjectStore, split_uri

_DIGEST_CHARACTERS = 32
_DELIVERY_CHARACTERS = 8


class KeptMessage(Document, frozen=True):
    """A message as it was taken from the queue. A repeated message is a new object; a redelivery replaces the old one."""

    message: ExportMessage
    kept_utc: datetime
    message_id: str = ""


class HandledMessage(Document, frozen=True):
    """A message that is done with, and why: by which run, and how that run ended."""

    kept: KeptMessage
    handled_utc: datetime
    run_id: str
    outcome: str


class RefusedMessage(Document, frozen=True):
    """A rejected message: what was wrong with it, and its body as received."""

    reason: str
    body: str
    refused_utc: datetime


@dataclass(frozen=True)
class Waiting:
    """A message in the inbox, and where it lies."""

    uri: str
    kept: KeptMessage

    @property
    def day(self) -> date:
        """The export date."""
        return self.kept.message.export_date


@dataclass(frozen=True)
class Inbox:
    """The messages of one deployment, as objects below its control prefix."""

    store: ObjectStore
    control_uri: str

    def keep(self, kept: KeptMessage) -> None:
        """Stores a message; a redelivery replaces what was stored before."""
        self.store.put(self._uri("inbox", kept), encode(kept))

    def waiting(self, snapshot_type: SnapshotType, *, now: datetime) -> tuple[Waiting, ...]:
        """Returns what is in the inbox by export date, then by arrival; objects that cannot be read are put aside."""
        uris = [listed.uri for listed in self.store.list(f"{self.control_uri}/inbox/{snapshot_type}")]
        found: list[Waiting] = []
        for uri, body in zip(uris, self.store.read_many(uris), strict=True):
            if body is None:
                continue
            try:
                found.append(Waiting(uri, decode(body, KeptMessage, where=uri)))
            except ConfigurationError as error:
                self.put_aside(body.decode(errors="replace"), error, now=now)
                self.store.delete([uri])
        return tuple(sorted(found, key=lambda each: (each.day, each.kept.kept_utc)))

    def finish(self, waiting: Iterable[Waiting], *, run_id: str, outcome: str, now: datetime) -> None:
        """Moves messages that are done with out of the inbox."""
        for each in waiting:
            handled = HandledMessage(kept=each.kept, handled_utc=now, run_id=run_id, outcome=outcome)
            self.store.put(self._uri("inbox_done", each.kept), encode(handled))
            self.store.delete([each.uri])

    def handled_days(self, snapshot_type: SnapshotType, *, since: date) -> Mapping[date, tuple[str, ...]]:
        """Returns the days of handled messages from `since` on, with their objects' addresses; reads no object."""
        prefix = f"{self.control_uri}/inbox_done/{snapshot_type}"
        days: dict[date, list[str]] = defaultdict(list)
        before = since - timedelta(days=1)  # and all below it: not every store lists from its own folder's name
        for listed in self.store.list(prefix, after=f"{split_uri(prefix)[1]}/{before.isoformat()}~"):
            day = listed.uri.removeprefix(f"{prefix}/").partition("/")[0]
            days[date.fromisoformat(day)].append(listed.uri)
        return {day: tuple(uris) for day, uris in days.items()}

    def newest_handled(self, uris: Iterable[str]) -> ExportMessage | None:
        """Returns the latest of the handled messages at these addresses."""
        addresses = list(uris)
        bodies = zip(addresses, self.store.read_many(addresses), strict=True)
        handled = [decode(body, HandledMessage, where=uri) for uri, body in bodies if body is not None]
        return max(handled, key=lambda each: each.kept.kept_utc).kept.message if handled else None

    def has_message(self, snapshot_type: SnapshotType, day: date) -> bool:
        """Whether a message for the day's export ever came."""
        places = (f"{self.control_uri}/{name}/{snapshot_type}/{day.isoformat()}" for name in ("inbox", "inbox_done"))
        return any(True for place in places for _ in self.store.list(place))

    def is_put_aside(self, body: str) -> bool:
        """Whether this very message was put aside before."""
        return self.store.exists(self._refused_uri(body))

    def put_aside(self, body: str, error: DataworksError, *, now: datetime) -> str:
        """Stores a rejected message with the reason; returns its address."""
        uri = self._refused_uri(body)
        self.store.put(uri, encode(RefusedMessage(reason=str(error), body=body, refused_utc=now)))
        return uri

    def _refused_uri(self, body: str) -> str:
        digest = hashlib.sha256(body.encode(errors="replace")).hexdigest()[:_DIGEST_CHARACTERS]
        return f"{self.control_uri}/inbox_refused/{digest}.json"

    def _uri(self, place: str, kept: KeptMessage) -> str:
        said = kept.message
        delivery = hashlib.sha256(kept.message_id.encode()).hexdigest()[:_DELIVERY_CHARACTERS]
        folder = f"{self.control_uri}/{place}/{said.snapshot_type}/{said.export_date.isoformat()}"
        return f"{folder}/{said.digest}-{delivery}.json"
