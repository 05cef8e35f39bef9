"""Calls to a Hive metastore over Thrift: connections, time-outs, errors. What is called, and why, is in `hive`."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from pymetastore.hive_metastore import ThriftHiveMetastore, ttypes
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.protocol.TProtocol import TProtocolException
from thrift.Thrift import TApplicationException, TException
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TTransportException

from spark.errors import CatalogError, ConfigurationError

logging.getLogger("thrift.transport.TSocket").setLevel(logging.CRITICAL)  # it raises what it logs, and that is reported

_DEFAULT_PORT = 9083
_IDLE_SECONDS = 30.0
"""A connection unused for longer is not trusted: the server or a firewall may have dropped it."""
_EXPECTED = object()
_BROKEN = (TTransportException, TProtocolException, OSError, EOFError)
_FINAL = (
    ttypes.NoSuchObjectException,
    ttypes.UnknownDBException,
    ttypes.UnknownTableException,
    ttypes.InvalidObjectException,
    ttypes.InvalidOperationException,
    ttypes.AlreadyExistsException,
)


@dataclass
class _Connection:
    transport: TBufferedTransport
    client: ThriftHiveMetastore.Client
    used_at: float = field(default_factory=time.monotonic)


class MetastoreClient:
    """Calls a metastore's methods by name, on a connection that no other thread uses at the same time.

    Args:
        uri: `thrift://host:port`; several, separated by commas, are tried in this order.
        timeout_seconds: for connecting, and for each wait for an answer.
    """

    def __init__(self, uri: str, *, timeout_seconds: float) -> None:
        self.uri = uri
        self._timeout_seconds = timeout_seconds
        self._idle: list[_Connection] = []
        self._lock = Lock()

    def read(self, method: str, *args: object, where: str, absent: tuple[type[Exception], ...] = ()) -> Any:
        """Calls a method that changes nothing; retries once on a new connection if the first one breaks.

        Returns None if the metastore responds with one of the exceptions in `absent`.
        """
        try:
            answer = self._call(method, args, where=where, expected=absent)
        except CatalogError as error:
            if not isinstance(error.__cause__, _BROKEN):
                raise
            answer = self._call(method, args, where=where, expected=absent)
        return None if answer is _EXPECTED else answer

    def write(self, method: str, *args: object, where: str, expected: tuple[type[Exception], ...] = ()) -> bool:
        """Calls a method that changes something, once; a transient error leaves its outcome open.

        Returns whether it was done; False if the metastore responds with one of the exceptions in `expected`.
        """
        return self._call(method, args, where=where, expected=expected) is not _EXPECTED

    def close(self) -> None:
        """Closes the connections that are not in use."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.transport.close()

    def _call(self, method: str, args: tuple[object, ...], *, where: str, expected: tuple[type[Exception], ...]) -> Any:
        with self._connection(where) as client:
            try:
                return getattr(client, method)(*args)
            except expected:
                return _EXPECTED
            except _FINAL as error:
                raise CatalogError(
                    f"{method} was refused: {_message(error)}",
                    where=f"{where} in {self.uri}",
                    remedy="Look at the table in the metastore",
                    transient=False,
                ) from error
            except (ttypes.MetaException, TApplicationException) as error:
                raise CatalogError(
                    f"{method} failed in the metastore: {_message(error)}",
                    where=f"{where} in {self.uri}",
                    remedy="Retry; if it stays, look at the metastore's log",
                ) from error

    @contextmanager
    def _connection(self, where: str) -> Iterator[ThriftHiveMetastore.Client]:
        connection: _Connection | None = None
        try:
            connection = self._take()
            yield connection.client
        except (*_BROKEN, TException) as error:
            if connection is not None:
                connection.transport.close()
            raise CatalogError(
                f"the metastore does not answer: {_message(error)}",
                where=f"{where} in {self.uri}",
                remedy="Check that the metastore runs at this address and is not overloaded, then retry",
            ) from error
        except BaseException as error:
            if connection is not None and isinstance(error, CatalogError):
                self._give_back(connection)
            elif connection is not None:
                connection.transport.close()
            raise
        else:
            self._give_back(connection)

    def _take(self) -> _Connection:
        while True:
            with self._lock:
                if not self._idle:
                    break
                connection = self._idle.pop()
            if time.monotonic() - connection.used_at < _IDLE_SECONDS:
                return connection
            connection.transport.close()
        return self._open()

    def _give_back(self, connection: _Connection) -> None:
        connection.used_at = time.monotonic()
        with self._lock:
            self._idle.append(connection)

    def _open(self) -> _Connection:
        *others, last = _addresses(self.uri)
        for address in others:
            try:
                return self._open_one(*address)
            except _BROKEN:
                continue
        return self._open_one(*last)

    def _open_one(self, host: str, port: int) -> _Connection:
        socket = TSocket(host, port)
        socket.setTimeout(self._timeout_seconds * 1000)
        transport = TBufferedTransport(socket)
        transport.open()
        return _Connection(transport, ThriftHiveMetastore.Client(TBinaryProtocolAccelerated(transport)))


def _addresses(uri: str) -> list[tuple[str, int]]:
    parts = [urlsplit(part.strip()) for part in uri.split(",")]
    if any(part.scheme != "thrift" or not part.hostname for part in parts):
        raise ConfigurationError("not the address of a metastore", where=uri or "catalog.uri", remedy="thrift://host:9083")
    return [(part.hostname or "", part.port or _DEFAULT_PORT) for part in parts]


def _message(error: BaseException) -> str:
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    return str(text).strip().splitlines()[0].rstrip(".")
