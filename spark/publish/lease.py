"""Partition leases: who may publish a partition, and what the last holder was about to make it show.

A lease is an object that is only created and changed by conditional puts; its epoch increases with each acquisition. It is
live until its owner's heartbeat object expires, so only one object is renewed, however many leases an owner holds. An owner
is a run: its planner and its application are two processes that renew the same heartbeat. What a lease guards is not known
here.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from threading import Event, Thread

from spark.contract import decode, encode
from spark.errors import ConflictError, LeaseError, NotFoundError, StoreError
from spark.publish.lease_documents import Lease, LeaseDocument, LeaseKey, OwnerDocument, TablePointer, lease_uri
from spark.publish.parallel import in_parallel
from spark.store import ObjectStore

__all__ = ["Lease", "LeaseDocument", "LeaseKeeper", "LeaseKey", "TablePointer", "lease_uri"]

_BEATS_A_TTL = 4
_SKEW_SHARE = 0.25
"""How far two machines' clocks may differ, in heartbeat lifetimes, before a living owner is taken for dead."""


class LeaseKeeper:
    """Takes, checks, marks and releases leases for one owner.

    Args:
        store: holds the objects.
        control_uri: their prefix.
        owner: the run; processes with the same owner share its leases.
        ttl_seconds: how long after the last heartbeat others may take over.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        store: ObjectStore,
        control_uri: str,
        *,
        owner: str,
        ttl_seconds: float = 120.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.owner = owner
        self._store = store
        self._control_uri = control_uri
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._beaten_at: float | None = None
        self._stopped = Event()
        self._thread: Thread | None = None

    def start_heartbeat(self) -> None:
        """Renews the heartbeat now, and after every quarter of its lifetime until `stop`."""
        self._beat()
        if self._thread is None:
            self._stopped.clear()
            self._thread = Thread(target=self._keep_beating, name=f"heartbeat-{self.owner}", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stops renewing; the heartbeat then expires, unless another process of this owner renews it."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def acquire_many(self, keys: Iterable[LeaseKey]) -> dict[LeaseKey, Lease | LeaseError]:
        """Takes leases, each under a new epoch.

        A lease that this owner already has is taken again, which shuts out whoever held it under the old epoch.

        Raises:
            StoreError: the store fails or refuses; nothing is concluded from that.
        """
        self._keep_alive()
        wanted = list(dict.fromkeys(keys))
        living: dict[str, float] = {}

        def take(key: LeaseKey) -> Lease | LeaseError:
            try:
                return self._acquire(lease_uri(self._control_uri, key), living)
            except LeaseError as error:
                return error

        return dict(zip(wanted, in_parallel(take, wanted), strict=True))

    def held_by_others(self, keys: Iterable[LeaseKey]) -> set[LeaseKey]:
        """Returns which of the leases living runs hold; takes none."""
        living: dict[str, float] = {}

        def is_held(key: LeaseKey) -> bool:
            uri = lease_uri(self._control_uri, key)
            try:
                held = decode(self._store.read(uri), LeaseDocument, where=uri)
                if not held.released and held.owner != self.owner:
                    self._refuse_if_alive(uri, held, living)
            except NotFoundError:
                return False
            except LeaseError:
                return True
            return False

        wanted = list(keys)
        return {key for key, is_one in zip(wanted, in_parallel(is_held, wanted), strict=True) if is_one}

    def adopt_many(self, holdings: Sequence[tuple[str, int]]) -> dict[str, Lease | LeaseError]:
        """Adopts leases, given by URI, that another process of this owner took under these epochs."""
        self._keep_alive()

        def adopt(holding: tuple[str, int]) -> Lease | LeaseError:
            uri, epoch = holding
            try:
                document = self.check(Lease(uri, self.owner, epoch))
            except LeaseError as error:
                return error
            return Lease(uri, self.owner, epoch, document.pointers)

        return dict(zip([uri for uri, _ in holdings], in_parallel(adopt, list(holdings)), strict=True))

    def check(self, lease: Lease) -> LeaseDocument:
        """Returns the lease's document.

        Raises:
            LeaseError: it was released or taken over.
        """
        self._keep_alive()
        return self._read_own(lease)[0]

    def read_many(self, leases: Sequence[Lease]) -> list[LeaseDocument]:
        """Returns the leases' current documents, whoever holds them."""
        return in_parallel(lambda lease: decode(self._store.read(lease.uri), LeaseDocument, where=lease.uri), leases)

    def mark_switch(self, lease: Lease, pointers: Sequence[TablePointer]) -> None:
        """Records what the catalog is about to show; to be called before the switch.

        Raises:
            LeaseError: the lease was taken over; nothing may be switched.
        """
        self._keep_alive()
        document, etag = self._read_own(lease)
        marked = self._document(lease.epoch, tuple(pointers), marked_epoch=lease.epoch)
        try:
            self._swap(lease.uri, marked, etag)
        except ConflictError as error:
            raise _taken_over(lease.uri, document) from error

    def release_many(self, leases: Sequence[Lease]) -> None:
        """Releases leases, except those taken over meanwhile, which belong to their new holder."""
        in_parallel(self._release, list(leases))

    def is_held(self, lease: Lease, document: LeaseDocument) -> bool:
        """Whether the document is this lease's."""
        return document.owner == lease.owner and document.epoch == lease.epoch and not document.released

    def _acquire(self, uri: str, living: dict[str, float]) -> Lease:
        try:
            body, etag = self._store.read_versioned(uri)
        except NotFoundError:
            return self._take(uri, self._document(1, (), marked_epoch=0), None)
        held = decode(body, LeaseDocument, where=uri)
        if not held.released and held.owner != self.owner:
            self._refuse_if_alive(uri, held, living)
        return self._take(uri, self._document(held.epoch + 1, held.pointers, marked_epoch=held.marked_epoch), etag)

    def _take(self, uri: str, document: LeaseDocument, etag: str | None) -> Lease:
        try:
            self._swap(uri, document, etag)
        except ConflictError as error:
            raise LeaseError(
                "another run took the lease at the same moment", where=uri, remedy="Run again when it is through"
            ) from error
        return Lease(uri, self.owner, document.epoch, document.pointers)

    def _refuse_if_alive(self, uri: str, held: LeaseDocument, living: dict[str, float]) -> None:
        if held.owner not in living:
            living[held.owner] = self._seconds_to_live(held.owner)
        if living[held.owner] > 0:
            raise LeaseError(
                f"run {held.owner} holds the partition since {held.changed_utc}",
                where=uri,
                remedy=f"Wait for that run; if it died, its leases are free in {living[held.owner]:.0f} s",
            )

    def _seconds_to_live(self, owner: str) -> float:
        uri = self._owner_uri(owner)
        try:
            heartbeat = decode(self._store.read(uri), OwnerDocument, where=uri)
        except NotFoundError:
            return 0.0
        return heartbeat.expires_seconds + heartbeat.ttl_seconds * _SKEW_SHARE - self._clock()

    def _read_own(self, lease: Lease) -> tuple[LeaseDocument, str]:
        body, etag = self._store.read_versioned(lease.uri)
        document = decode(body, LeaseDocument, where=lease.uri)
        if not self.is_held(lease, document):
            raise _taken_over(lease.uri, document)
        return document, etag

    def _release(self, lease: Lease) -> None:
        try:
            document, etag = self._read_own(lease)
        except (LeaseError, NotFoundError):
            return
        released = self._document(lease.epoch, document.pointers, marked_epoch=document.marked_epoch, released=True)
        try:
            self._swap(lease.uri, released, etag)
        except ConflictError:
            return

    def _document(
        self, epoch: int, pointers: tuple[TablePointer, ...], *, marked_epoch: int, released: bool = False
    ) -> LeaseDocument:
        return LeaseDocument(
            owner=self.owner,
            epoch=epoch,
            nonce=uuid.uuid4().hex,
            changed_utc=datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds"),
            released=released,
            pointers=pointers,
            marked_epoch=marked_epoch,
        )

    def _swap(self, uri: str, document: LeaseDocument, etag: str | None) -> None:
        """Puts the document if the object still has that etag (None: does not exist); an unknown outcome is read back."""
        try:
            self._store.put(uri, encode(document), create=etag is None, replace=etag)
        except StoreError as error:
            if not (error.transient or isinstance(error, ConflictError)) or not self._is_there(uri, document):
                raise

    def _is_there(self, uri: str, document: LeaseDocument) -> bool:
        try:
            return decode(self._store.read(uri), LeaseDocument, where=uri).nonce == document.nonce
        except NotFoundError:
            return False

    def _owner_uri(self, owner: str) -> str:
        return f"{self._control_uri}/owners/{owner}.json"

    def _keep_alive(self) -> None:
        """Renews the heartbeat if that is overdue: at first use, and after this process was stalled."""
        if self._beaten_at is None or time.monotonic() - self._beaten_at > self._ttl_seconds / 2:
            self._beat()

    def _beat(self) -> None:
        begun = time.monotonic()
        document = OwnerDocument(
            owner=self.owner,
            expires_seconds=self._clock() + self._ttl_seconds,
            ttl_seconds=self._ttl_seconds,
            nonce=uuid.uuid4().hex,
        )
        self._store.put(self._owner_uri(self.owner), encode(document))
        self._beaten_at = begun

    def _keep_beating(self) -> None:
        while not self._stopped.wait(self._ttl_seconds / _BEATS_A_TTL):
            try:
                self._beat()
            except StoreError:
                continue  # the next use of a lease renews, or fails with the store's error


def _taken_over(uri: str, document: LeaseDocument) -> LeaseError:
    state = "was released" if document.released else "is held"
    return LeaseError(
        f"the lease {state} by run {document.owner}, epoch {document.epoch}, since {document.changed_utc}",
        where=uri,
        remedy="Nothing is lost: run again when that run is through",
    )
