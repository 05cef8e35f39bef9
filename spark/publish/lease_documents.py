"""Content and location of lease and heartbeat objects. How they are taken and kept is in `lease`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from spark.contract import Document
from spark.publish.catalog import Pointer


class LeaseKey(NamedTuple):
    """What a lease covers: one collection's day."""

    system: str
    collection: str
    snapshot_type: str
    export_date: str


class TablePointer(Document, frozen=True):
    """What one table is to show for the lease's day."""

    database: str
    name: str
    pointer: Pointer


class LeaseDocument(Document, frozen=True):
    """The body of a lease object. `pointers` were marked under `marked_epoch`; if empty, the day was to be dropped."""

    owner: str
    epoch: int
    nonce: str
    changed_utc: str
    released: bool = False
    pointers: tuple[TablePointer, ...] = ()
    marked_epoch: int = 0


class OwnerDocument(Document, frozen=True):
    """The body of a heartbeat object; `expires_seconds` is Unix time."""

    owner: str
    expires_seconds: float
    ttl_seconds: float
    nonce: str


@dataclass(frozen=True)
class Lease:
    """A lease as it was taken; `pointers` are what the last holder marked."""

    uri: str
    owner: str
    epoch: int
    pointers: tuple[TablePointer, ...] = ()


def lease_uri(control_uri: str, key: LeaseKey) -> str:
    """Returns where a day's lease object lies."""
    return f"{control_uri}/leases/{key.system}/{key.snapshot_type}/{key.collection}/{key.export_date}.json"
