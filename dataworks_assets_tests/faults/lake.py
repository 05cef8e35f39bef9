"""Object store, catalog, key service and time that runs share, in memory; cheap to copy, and seen by each process through
clients of its own, whose calls are counted and may be struck."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from dataworks_assets_tests.faults.strikes import Strike
from dataworks_assets_tests.spark.publish.memory_catalog import InMemoryCatalog
from dataworks_assets_tests.spark.sources.memory_keys import Keys
from spark.contract import StoreSettings
from spark.errors import ConflictError, InputChangedError, KeyServiceError, NotFoundError
from spark.store import Listed, ObjectStore

_CHANGES = frozenset({"switch", "point", "ensure_table", "drop_partitions"})
START_SECONDS = 1_800_000_000.0


@dataclass
class Clock:
    """Unix time of all runs; it moves when it is told to."""

    now_seconds: float = START_SECONDS

    def __call__(self) -> float:
        return self.now_seconds

    def sleep(self, seconds: float) -> None:
        """Lets time pass."""
        self.now_seconds += seconds


CLOCK = Clock()


@dataclass(frozen=True)
class Stored:
    """An object."""

    body: bytes
    etag: str
    modified_utc: datetime
    metadata: dict[str, str]
    tags: dict[str, str]


@dataclass
class Lake:
    """What is there, whoever looks."""

    objects: dict[str, Stored] = field(default_factory=dict)
    catalog: InMemoryCatalog = field(default_factory=InMemoryCatalog)
    on_change: Callable[[], None] = lambda: None
    """Called after every change that a reader of tables could see, before anything else can change."""

    def __post_init__(self) -> None:
        self.lock = self.catalog._lock

    def copied(self) -> Lake:
        """The same, to be changed without changing this one."""
        twin = InMemoryCatalog()
        with self.lock:
            twin.databases = dict(self.catalog.databases)
            twin._definitions = dict(self.catalog._definitions)
            twin._partitions = {table: dict(days) for table, days in self.catalog._partitions.items()}
            twin._shown = dict(self.catalog._shown)
            return Lake(dict(self.objects), twin)

    def put(self, uri: str, body: bytes, *, tags: dict[str, str] | None = None, metadata: dict[str, str] | None = None) -> str:
        """Puts an object; its etag is its MD5, as on S3."""
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        with self.lock:
            self.objects[uri] = Stored(body, etag, datetime.fromtimestamp(CLOCK(), UTC), dict(metadata or {}), dict(tags or {}))
            self._tell(uri)
        return etag

    def delete(self, uris: Iterable[str]) -> None:
        """Deletes objects."""
        with self.lock:
            for uri in uris:
                self.objects.pop(uri, None)
                self._tell(uri)

    def _tell(self, uri: str) -> None:
        if "/part-" in uri:
            self.on_change()

    def below(self, prefix_uri: str) -> list[tuple[str, Stored]]:
        """Objects below a prefix, in key order."""
        with self.lock:
            return sorted(item for item in self.objects.items() if item[0].startswith(prefix_uri + "/"))


class LakeStore(ObjectStore):
    """One process' client of the object store."""

    def __init__(self, lake: Lake, strike: Strike, process: str) -> None:
        super().__init__(StoreSettings(scheme="memory"))
        self._lake, self._strike, self._process = lake, strike, process

    def _call(self, method: str, uri: str):
        return self._strike.call(self._process, "store", method, uri)

    def _there(self, uri: str, etag: str | None = None) -> Stored:
        stored = self._lake.objects.get(uri)
        if stored is None:
            raise NotFoundError("no such object or bucket", where=uri)
        if etag and stored.etag != etag:
            raise InputChangedError("the object was replaced meanwhile", where=uri)
        return stored

    def list(self, prefix_uri: str, *, after: str | None = None) -> Iterator[Listed]:
        assert after is None
        with self._call("list", prefix_uri):
            found = self._lake.below(prefix_uri)
        return iter([Listed(uri, len(item.body), item.etag, item.modified_utc) for uri, item in found])

    def stream(self, uri: str, *, etag: str | None = None, chunk_bytes: int = 4 * 1024 * 1024) -> Iterator[bytes]:
        with self._call("stream", uri):
            body = self._there(uri, etag).body
        yield body[: len(body) // 2]
        with self._call("stream on", uri):
            yield body[len(body) // 2 :]

    def read(self, uri: str, *, etag: str | None = None) -> bytes:
        with self._call("read", uri):
            return self._there(uri, etag).body

    def read_versioned(self, uri: str) -> tuple[bytes, str]:
        with self._call("read_versioned", uri):
            stored = self._there(uri)
            return stored.body, stored.etag

    def metadata(self, uri: str, *, etag: str | None = None) -> dict[str, str]:
        with self._call("metadata", uri):
            return dict(self._there(uri, etag).metadata)

    def exists(self, uri: str) -> bool:
        with self._call("exists", uri):
            return uri in self._lake.objects

    def put(self, uri, body, *, tags=None, metadata=None, create=False, **condition: str | None) -> str:
        with self._call("put", uri), self._lake.lock:
            if create and uri in self._lake.objects:
                raise ConflictError("the object exists already", where=uri)
            etag = condition.get("replace")
            if etag and self._there(uri).etag != etag:
                raise ConflictError("the object was changed by somebody else", where=uri)
            return self._lake.put(uri, bytes(body), tags=tags, metadata=metadata)

    def put_tags(self, uri: str, tags: dict[str, str]) -> None:
        """Replaces an object's tags."""
        with self._call("put_tags", uri), self._lake.lock:
            self._lake.objects[uri] = replace(self._there(uri), tags=dict(tags))

    def writer(self, uri: str, *, tags: dict[str, str] | None = None) -> LakeWriter:
        return LakeWriter(self, uri, tags)

    def delete(self, uris: Sequence[str]) -> None:
        for uri in uris:  # one by one, so that a process may die between two of one request
            with self._call("delete", uri):
                self._lake.delete([uri])


class LakeWriter:
    """A streaming writer: the object is there when it is closed."""

    def __init__(self, store: LakeStore, uri: str, tags: dict[str, str] | None) -> None:
        self._store, self._uri, self._tags = store, uri, tags
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        self._parts.append(bytes(data))

    def close(self) -> None:
        with self._store._call("writer.close", self._uri):
            self._store._lake.put(self._uri, b"".join(self._parts), tags=self._tags)


class LakeCatalog(InMemoryCatalog):
    """One process' client of the catalog."""

    def __init__(self, lake: Lake, strike: Strike, process: str) -> None:
        super().__init__()
        base = lake.catalog
        self.databases, self._definitions = base.databases, base._definitions
        self._partitions, self._shown, self._lock = base._partitions, base._shown, base._lock
        self._lake, self._strike, self._process = lake, strike, process

    @contextmanager
    def _call(self, method: str):
        with self._strike.call(self._process, "catalog", method), super()._call(method):
            yield
            if method in _CHANGES:
                self._lake.on_change()


class LakeKeys(Keys):
    """One process' client of the key service: an error is a value, as it is of the real client."""

    def __init__(self, strike: Strike, process: str) -> None:
        super().__init__()
        self._strike, self._process = strike, process

    def resolve(self, pairs):
        wanted = list(pairs)
        try:
            with self._strike.call(self._process, "keys", "resolve"):
                return super().resolve(wanted)
        except KeyServiceError as error:
            return dict.fromkeys(wanted, copy(error))
