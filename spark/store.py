"""The object store: one client a bucket for S3 (and memory, for tests), behind URIs.

Turns obstore's errors into the platform's own, once. "Access denied" is never "not found". Tags, metadata and encryption
travel in the request that creates an object. No format or layout knowledge belongs here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import obstore
from obstore import exceptions
from obstore.store import MemoryStore, S3Store

from spark.contract import RoleChain, SourceObject, StoreSettings
from spark.errors import AccessError, ConfigurationError, ConflictError, InputChangedError, NotFoundError, StoreError
from spark.roles import RoleSessions

if TYPE_CHECKING:
    from obstore import Bytes, GetResult, WritableFile

_DELETE_BATCH = 1000
_IN_PARALLEL = 16
_ODD_KEY = "invalid path"
_REFUSED = "access refused"
_OF_PROVIDER = "External AWS credential provider: "


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
    """Objects by URI. Clients are made on first use, so an instance is cheap and can be made anywhere."""

    settings: StoreSettings
    _clients: dict[str, S3Store | MemoryStore] = field(default_factory=dict, repr=False)

    @classmethod
    def in_memory(cls) -> ObjectStore:
        """A store of this process alone, for tests; its URIs begin with `memory://`."""
        return cls(StoreSettings(scheme="memory"))

    def __reduce__(self) -> tuple[object, ...]:
        return (shared_store, (self.settings,))

    def _client(self, bucket: str) -> S3Store | MemoryStore:
        if bucket not in self._clients:
            self._clients[bucket] = _make_client(bucket, self.settings)
        return self._clients[bucket]

    @contextmanager
    def _errors(self, uri: str) -> Iterator[None]:
        """Turns the library's errors into the platform's; a refusal in another account names the role that was refused."""
        try:
            with _domain_errors(uri):
                yield
        except AccessError as error:
            if self.settings.chain is None or error.what != _REFUSED:
                raise
            role = self.settings.chain.roles[-1].arn
            raise AccessError(
                f"{error.what} to the role {role}",
                where=uri,
                remedy="Have the bucket's owner grant it s3:ListBucket, s3:GetObject and kms:Decrypt there",
            ) from error

    def _uri(self, bucket: str, key: str) -> str:
        return f"{self.settings.scheme}://{bucket}/{key}"

    def list(self, prefix_uri: str, *, after: str | None = None) -> Iterator[Listed]:
        """Yields every object whose URI begins with `prefix_uri` followed by `/` (all pages), in key order.

        `after` is a key: only objects behind it are listed.
        """
        bucket, prefix = split_uri(prefix_uri)
        last = after
        try:
            with self._errors(prefix_uri):
                for page in obstore.list(self._client(bucket), prefix or None, offset=after, chunk_size=1000):
                    for item in page:
                        last = item["path"]
                        yield Listed(self._uri(bucket, last), item["size"], item["e_tag"] or "", item["last_modified"])
        except StoreError as error:
            if _ODD_KEY not in str(error.__cause__) or self.settings.scheme != "s3":
                raise
            yield from self._list_odd(bucket, prefix, last)

    def _list_odd(self, bucket: str, prefix: str, after: str | None) -> Iterator[Listed]:
        """Lists on behind a key that obstore takes for no path (`a//b`): such a stranger must not hide the others."""
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        uri = self._uri(bucket, prefix)
        keys = session_keys(self.settings)
        client = boto3.client("s3", endpoint_url=self.settings.endpoint_url, region_name=self.settings.region, **keys)
        folder = f"{prefix}/" if prefix else ""
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder, StartAfter=after or "")
        try:
            for page in pages:
                for item in page.get("Contents", ()):
                    yield Listed(self._uri(bucket, item["Key"]), item["Size"], item["ETag"], item["LastModified"])
        except (BotoCoreError, ClientError) as error:
            raise StoreError(_first_line(error), where=uri, remedy="Retry; if it stays, look at the object store") from error

    def get(self, uri: str, *, etag: str | None = None) -> GetResult:
        """Opens an object for streaming; with `etag` only if it is still that one.

        Raises:
            InputChangedError: the object is another one now.
            NotFoundError, AccessError, StoreError
        """
        bucket, key = split_uri(uri)
        options: dict[str, Any] = {"if_match": etag} if etag else {}
        with self._errors(uri):
            return obstore.get(self._client(bucket), key, options=cast("obstore.GetOptions", options))

    def stream(self, uri: str, *, etag: str | None = None, chunk_bytes: int = 4 * 1024 * 1024) -> Iterator[Bytes]:
        """Yields an object's body in chunks of about `chunk_bytes`; with `etag` only if it is still that one.

        Raises:
            InputChangedError: the object is another one now.
            NotFoundError, AccessError, StoreError
        """
        with self._errors(uri):
            yield from self.get(uri, etag=etag).stream(min_chunk_size=chunk_bytes)

    def read(self, uri: str, *, etag: str | None = None) -> bytes:
        """Returns an object's whole body."""
        result = self.get(uri, etag=etag)
        with self._errors(uri):
            return bytes(result.bytes())

    def read_versioned(self, uri: str) -> tuple[bytes, str]:
        """Returns (body, etag); the etag can be given to `put` as `replace`."""
        result = self.get(uri)
        with self._errors(uri):
            return bytes(result.bytes()), result.meta["e_tag"] or ""

    def metadata(self, uri: str, *, etag: str | None = None) -> dict[str, str]:
        """Returns an object's user metadata (lower-case names) without its body."""
        bucket, key = split_uri(uri)
        options: dict[str, Any] = {"head": True} | ({"if_match": etag} if etag else {})
        with self._errors(uri):
            result = obstore.get(self._client(bucket), key, options=cast("obstore.GetOptions", options))
            return {str(name).lower(): str(value) for name, value in result.attributes.items()}

    def exists(self, uri: str) -> bool:
        """Whether an object is there; an access that is refused raises."""
        bucket, key = split_uri(uri)
        try:
            with self._errors(uri):
                obstore.head(self._client(bucket), key)
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

        With `create` only where none is; with `replace` (an etag) only over that one. A body that is compared and
        swapped must hold something unique: some servers' etag is the body's MD5.

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
                    attributes=metadata,
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
            return obstore.open_writer(self._client(bucket), key, tags=tags, max_concurrency=2)

    def delete(self, uris: Sequence[str]) -> None:
        """Deletes objects, in batches of at most 1,000 a call; one that is not there is no error."""
        by_bucket: dict[str, list[str]] = {}
        for uri in uris:
            bucket, key = split_uri(uri)
            by_bucket.setdefault(bucket, []).append(key)
        for bucket, keys in by_bucket.items():
            for start in range(0, len(keys), _DELETE_BATCH):
                with self._errors(self._uri(bucket, keys[start])):
                    obstore.delete(self._client(bucket), keys[start : start + _DELETE_BATCH])

    def read_many(self, uris: Sequence[str]) -> Sequence[bytes | None]:
        """Returns the bodies in order, None for an object that is not there; reads 16 at a time."""
        with ThreadPoolExecutor(_IN_PARALLEL) as pool:
            return list(pool.map(self._read_or_none, uris))

    def _read_or_none(self, uri: str) -> bytes | None:
        try:
            return self.read(uri)
        except NotFoundError:
            return None


@cache
def shared_store(settings: StoreSettings) -> ObjectStore:
    """The one store of this process for these settings, so that every task of a worker shares its connections."""
    return ObjectStore(settings)


@cache
def shared_sessions(chain: RoleChain, region: str) -> RoleSessions:
    """The one set of sessions of this process for a chain of roles."""
    return RoleSessions(chain, region)


def session_keys(settings: StoreSettings) -> dict[str, Any]:
    """Credentials for a client of boto3; none where it finds its own."""
    if settings.chain is None:
        return {}
    given = shared_sessions(settings.chain, settings.region)()
    return {
        "aws_access_key_id": given["access_key_id"],
        "aws_secret_access_key": given["secret_access_key"],
        "aws_session_token": given["token"],
    }


def _make_client(bucket: str, settings: StoreSettings) -> S3Store | MemoryStore:
    if settings.scheme == "memory":
        return MemoryStore()
    options: dict[str, Any] = {"region": settings.region}
    if settings.endpoint_url:
        # Under this name it goes before AWS_ENDPOINT_URL_S3 of the environment; `endpoint` does not.
        options |= {"aws_endpoint_url_s3": settings.endpoint_url, "virtual_hosted_style_request": False}
    if settings.sse_kms_key_id:
        options |= {"server_side_encryption": "aws:kms", "sse_kms_key_id": settings.sse_kms_key_id}
    if settings.chain is not None:
        sessions = shared_sessions(settings.chain, settings.region)
        sessions()  # a role that cannot be assumed is an error of its own, now
        options |= {"credential_provider": sessions}
    local = bool(settings.endpoint_url and settings.endpoint_url.startswith("http://"))
    return S3Store(
        bucket,
        **options,
        client_options={"allow_http": local, "timeout": "300s"},
        retry_config={"max_retries": 4},
    )


@contextmanager
def _domain_errors(uri: str) -> Iterator[None]:
    """Turns obstore's errors into the platform's, chained."""
    try:
        yield
    except (exceptions.NotFoundError, FileNotFoundError) as error:
        raise NotFoundError("no such object or bucket", where=uri) from error
    except exceptions.AlreadyExistsError as error:
        raise ConflictError("the object exists already", where=uri) from error
    except exceptions.PreconditionError as error:
        raise InputChangedError(
            "the object was replaced meanwhile", where=uri, remedy="Run again: the new object is planned afresh"
        ) from error
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        told = _first_line(error).partition(_OF_PROVIDER)[2]
        raise AccessError(
            f"no credentials: {told}" if told else _REFUSED,
            where=uri,
            remedy="Give this role the right to this object, or correct the credentials",
        ) from error
    except exceptions.BaseError as error:
        raise StoreError(_first_line(error), where=uri, remedy="Retry; if it stays, look at the object store") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")
