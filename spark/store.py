"""The object store: one client per bucket for S3 (and memory, for tests), behind URIs.

"Access denied" is never "not found". Tags, metadata and encryption are part of the request that creates an object. Making
clients and translating their errors is in `store_clients`. No format or layout knowledge belongs here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

import obstore
from obstore import exceptions

from spark.contract import SourceObject, StoreSettings
from spark.errors import ConfigurationError, ConflictError, NotFoundError, StoreError
from spark.store_clients import (
    Client,
    SessionEndedError,
    boto_errors,
    domain_errors,
    end_sessions,
    make_boto_client,
    make_client,
)

if TYPE_CHECKING:
    from obstore import Bytes, GetResult, WritableFile

_DELETE_BATCH = 1000
_IN_PARALLEL = 16
_RENEWALS = 3
"""Other threads' sessions may end while this one asks again."""
_ODD_KEY = "invalid path"
_CONTENT_TYPE = {"Content-Type": "binary/octet-stream"}
"""What S3 itself gives an object that comes without one. SeaweedFS gzips such an object, and inflates it at each read."""
ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Listed:
    """An object as a listing shows it."""

    uri: str
    size_bytes: int
    etag: str
    modified_utc: datetime

    @property
    def source(self) -> SourceObject:
        """The reference that travels in job documents."""
        return SourceObject(uri=self.uri, etag=self.etag, size_bytes=self.size_bytes)


def split_uri(uri: str) -> tuple[str, str]:
    """Returns (bucket, key) of `scheme://bucket/key`; the key may be empty."""
    _, separator, rest = uri.partition("://")
    if not separator:
        raise ConfigurationError("not an object URI", where=uri, remedy="Write it as s3://bucket/key")
    bucket, _, key = rest.partition("/")
    return bucket, key


@dataclass
class ObjectStore:
    """Objects by URI. Clients are made on first use, so an instance is cheap and can be made anywhere. Thread-safe."""

    settings: StoreSettings
    _clients: dict[str, Client] = field(default_factory=dict, repr=False)
    _making: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    @classmethod
    def in_memory(cls) -> ObjectStore:
        """A store of this process alone, for tests; its URIs begin with `memory://`."""
        return cls(StoreSettings(scheme="memory"))

    def __reduce__(self) -> tuple[object, ...]:
        return (shared_store, (self.settings,))

    def _client(self, bucket: str) -> Client:
        with self._making:  # otherwise concurrent threads would each make one, and each assume the roles
            if bucket not in self._clients:
                self._clients[bucket] = make_client(bucket, self.settings)
            return self._clients[bucket]

    def _errors(self, uri: str) -> AbstractContextManager[None]:
        return domain_errors(uri, self.settings.chain)

    def _read(self, uri: str, read: Callable[[Client, str], ResultT]) -> ResultT:
        """Reads; retries with a new session if a role session ended early."""
        bucket, key = split_uri(uri)
        for _ in range(_RENEWALS):
            client = self._client(bucket)
            try:
                with self._errors(uri):
                    return read(client, key)
            except SessionEndedError:
                self._renew(bucket, client)
        with self._errors(uri):
            return read(self._client(bucket), key)

    def _renew(self, bucket: str, client: Client) -> None:
        """Discards a client whose session has ended, unless another thread already did."""
        with self._making:
            if self._clients.get(bucket) is client:
                end_sessions(self.settings)
                del self._clients[bucket]

    def _uri(self, bucket: str, key: str) -> str:
        return f"{self.settings.scheme}://{bucket}/{key}"

    def list(self, prefix_uri: str, *, after: str | None = None) -> Iterator[Listed]:
        """Yields every object whose URI begins with `prefix_uri` followed by `/` (all pages), in key order.

        `after` is a key: only objects behind it are listed.
        """
        bucket, prefix = split_uri(prefix_uri)
        last, client = after, self._client(bucket)
        try:
            for listed in self._list_pages(prefix_uri, client, after):
                last = split_uri(listed.uri)[1]
                yield listed
        except SessionEndedError:
            self._renew(bucket, client)
            yield from self._list_pages(prefix_uri, self._client(bucket), last)
        except StoreError as error:
            if _ODD_KEY not in str(error.__cause__) or self.settings.scheme != "s3":
                raise
            yield from self._list_odd(bucket, prefix, last)

    def _list_pages(self, prefix_uri: str, client: Client, after: str | None) -> Iterator[Listed]:
        bucket, prefix = split_uri(prefix_uri)
        with self._errors(prefix_uri):
            for page in obstore.list(client, prefix or None, offset=after, chunk_size=1000):
                for item in page:
                    yield Listed(self._uri(bucket, item["path"]), item["size"], item["e_tag"] or "", item["last_modified"])

    def _list_odd(self, bucket: str, prefix: str, after: str | None) -> Iterator[Listed]:
        """Continues a listing after a key that obstore rejects as a path (`a//b`), which must not hide the other objects."""
        folder = f"{prefix}/" if prefix else ""
        with boto_errors(self._uri(bucket, prefix), self.settings.chain):
            pages = make_boto_client(self.settings).get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket, Prefix=folder, StartAfter=after or ""):
                for item in page.get("Contents", ()):
                    yield Listed(self._uri(bucket, item["Key"]), item["Size"], item["ETag"], item["LastModified"])

    def get(self, uri: str, *, etag: str | None = None, start_byte: int = 0) -> GetResult:
        """Opens an object for streaming, from a byte offset; with `etag`, only if it is unchanged.

        Raises:
            InputChangedError: the object is another one now.
            NotFoundError, AccessError, StoreError
        """
        options = _get_options(etag) | ({"range": {"offset": start_byte}} if start_byte else {})
        return self._read(uri, lambda client, key: obstore.get(client, key, options=cast("obstore.GetOptions", options)))

    def stream(self, uri: str, *, etag: str | None = None, chunk_bytes: int = 4 * 1024 * 1024) -> Iterator[Bytes]:
        """Yields an object's body in chunks of about `chunk_bytes`; with `etag`, only if it is unchanged.

        Raises:
            InputChangedError: the object is another one now.
            NotFoundError, AccessError, StoreError
        """
        bucket, _ = split_uri(uri)
        client = self._client(bucket)
        opened = self.get(uri, etag=etag)
        sent_bytes = 0
        try:
            for chunk in self._chunks(uri, opened, chunk_bytes):
                yield chunk
                sent_bytes += len(chunk)
        except SessionEndedError:
            self._renew(bucket, client)
            rest = self.get(uri, etag=opened.meta["e_tag"], start_byte=sent_bytes)
            yield from self._chunks(uri, rest, chunk_bytes)

    def _chunks(self, uri: str, opened: GetResult, chunk_bytes: int) -> Iterator[Bytes]:
        with self._errors(uri):
            yield from opened.stream(min_chunk_size=chunk_bytes)

    def read(self, uri: str, *, etag: str | None = None) -> bytes:
        """Returns an object's whole body."""
        return self._body(uri, etag)[0]

    def read_versioned(self, uri: str) -> tuple[bytes, str]:
        """Returns (body, etag); the etag can be given to `put` as `replace`."""
        return self._body(uri, None)

    def _body(self, uri: str, etag: str | None) -> tuple[bytes, str]:
        def read(client: Client, key: str) -> tuple[bytes, str]:
            result = obstore.get(client, key, options=cast("obstore.GetOptions", _get_options(etag)))
            return bytes(result.bytes()), result.meta["e_tag"] or ""

        return self._read(uri, read)

    def metadata(self, uri: str, *, etag: str | None = None) -> dict[str, str]:
        """Returns an object's user metadata (lower-case names) without its body."""
        options = cast("obstore.GetOptions", {"head": True} | _get_options(etag))
        found = self._read(uri, lambda client, key: obstore.get(client, key, options=options).attributes)
        return {str(name).lower(): str(value) for name, value in found.items() if name not in _CONTENT_TYPE}

    def exists(self, uri: str) -> bool:
        """Whether an object exists; refused access raises."""
        try:
            self._read(uri, obstore.head)
        except NotFoundError:
            return False
        return True

    def put(
        self,
        uri: str,
        body: bytes,
        *,
        tags: dict[str, str] | None = None,
        metadata: dict[str, str] | None = None,
        create: bool = False,
        replace: str | None = None,
    ) -> str:
        """Writes an object with its tags and metadata in one request and returns its etag.

        With `create`, only if it does not exist; with `replace` (an etag), only if it still has that etag. A body that is
        compared and swapped must hold something unique, because some servers' etag is the body's MD5.

        Raises:
            ConflictError: the condition does not hold.
        """
        bucket, key = split_uri(uri)
        mode: Any = "create" if create else {"e_tag": replace} if replace else None
        with self._errors(uri):
            try:
                result = obstore.put(
                    self._client(bucket),
                    key,
                    body,
                    attributes=_CONTENT_TYPE | (metadata or {}),
                    tags=tags,
                    mode=mode,
                    use_multipart=False if mode else None,
                )
            except exceptions.PreconditionError as error:
                raise ConflictError("the object was changed by somebody else", where=uri) from error
            return result["e_tag"] or ""

    def writer(self, uri: str, *, tags: dict[str, str] | None = None) -> WritableFile:
        """Opens a streaming (multipart) writer that creates the object with its tags when it is closed."""
        bucket, key = split_uri(uri)
        with self._errors(uri):
            return obstore.open_writer(self._client(bucket), key, attributes=_CONTENT_TYPE, tags=tags, max_concurrency=2)

    def delete(self, uris: Sequence[str]) -> None:
        """Deletes objects, at most 1,000 per call; a missing object is no error."""
        by_bucket: dict[str, list[str]] = {}
        for uri in uris:
            bucket, key = split_uri(uri)
            by_bucket.setdefault(bucket, []).append(key)
        for bucket, keys in by_bucket.items():
            for start in range(0, len(keys), _DELETE_BATCH):
                with self._errors(self._uri(bucket, keys[start])):
                    obstore.delete(self._client(bucket), keys[start : start + _DELETE_BATCH])

    def read_many(self, uris: Sequence[str]) -> Sequence[bytes | None]:
        """Returns the bodies in order, None for a missing object; reads 16 at a time."""
        with ThreadPoolExecutor(_IN_PARALLEL) as pool:
            return list(pool.map(self._read_or_none, uris))

    def _read_or_none(self, uri: str) -> bytes | None:
        try:
            return self.read(uri)
        except NotFoundError:
            return None


def _get_options(etag: str | None) -> dict[str, Any]:
    return {"if_match": etag} if etag else {}


@cache
def shared_store(settings: StoreSettings) -> ObjectStore:
    """The one store of this process for these settings, so that every task of a worker shares its connections."""
    return ObjectStore(settings)
