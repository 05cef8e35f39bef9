"""Every error this platform raises on purpose. Library errors are turned into one of these at the edge, chained.

A message says what happened, where (object, line, partition, service address) and what to do about it. `transient`
decides whether a retry can help; a failure that lies in the data is never transient.
"""

from __future__ import annotations


class DataworksError(Exception):
    """Root of the platform's errors.

    Args:
        what: what happened, in one sentence without a full stop.
        where: the object, line or byte, partition, table or address it concerns; empty where there is none.
        remedy: what the reader should do.
        transient: whether the same call may succeed later without any change; the class's own default when None.
    """

    transient_by_default = False

    def __init__(self, what: str, *, where: str = "", remedy: str = "", transient: bool | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        self.transient = self.transient_by_default if transient is None else transient
        super().__init__(what, where, remedy, self.transient)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.remedy}" if self.remedy else text

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.where, self.remedy, self.transient))


def _rebuild(kind: type[DataworksError], what: str, where: str, remedy: str, transient: bool) -> DataworksError:
    return kind(what, where=where, remedy=remedy, transient=transient)


class ConfigurationError(DataworksError):
    """The configuration is wrong; names the file, the line and the nearest valid name."""


class InputError(DataworksError):
    """A source object is not what its format says; names the object and the line or byte. Lies in the data."""


class InputChangedError(DataworksError):
    """A source object was replaced between planning and reading; the next plan reads the new one."""

    transient_by_default = True


class StoreError(DataworksError):
    """The object store refused or failed a call."""

    transient_by_default = True


class NotFoundError(StoreError):
    """An object or bucket is not there. Never raised for a refused access."""

    transient_by_default = False


class AccessError(StoreError):
    """An access was refused. Never taken for "not there"."""

    transient_by_default = False


class ConflictError(StoreError):
    """A conditional put lost: the object exists already, or has changed."""

    transient_by_default = False


class KeyServiceError(DataworksError):
    """The data key service is unavailable (transient) or refuses a key (final)."""

    transient_by_default = True


class CatalogError(DataworksError):
    """The metastore refused or failed a call."""

    transient_by_default = True


class LeaseError(DataworksError):
    """Another run holds the partition, or took it over from this one."""

    transient_by_default = True


class EngineError(DataworksError):
    """The application ended without a result, was cancelled or ran out of time."""

    transient_by_default = True


class LedgerError(DataworksError):
    """A row, notice or metric for others could not be written. Never fails a run."""

    transient_by_default = True


class StackError(DataworksError):
    """A service of the embedded stack is down or could not be started."""
