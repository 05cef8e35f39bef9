"""Faults on purpose: what a process calls is counted, and the n-th call kills it, fails, or lets somebody else go first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from spark.errors import AccessError, CatalogError, DataworksError, KeyServiceError, StoreError

_TIMED_OUT = {"catalog": CatalogError, "keys": KeyServiceError, "store": StoreError}
STEP, APPLICATION = "step", "application"


class Killed(BaseException):
    """The process ended here: no handler, no clean-up; whatever it calls afterwards never happens."""


@dataclass
class Strike:
    """What happens at the `at`-th call, `before` or `after` it is done.

    Args:
        at: from 1; 0 for never.
        moment: `before` or `after`. An error after the call leaves its outcome unknown to the caller.
        fault: `kill`, `time-out` (transient), `refusal` (final) or `visit` (`visitor` is called in the call's place in time).
        processes: whose calls count; a kill ends these.
        visitor: for `visit`.
    """

    at: int = 0
    moment: str = "before"
    fault: str = "kill"
    processes: frozenset[str] = frozenset({STEP, APPLICATION})
    visitor: Callable[[], object] | None = None
    calls: list[str] = field(default_factory=list, repr=False)
    has_struck: bool = False
    is_dead: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _awake: threading.Event = field(default_factory=threading.Event, repr=False)

    def __post_init__(self) -> None:
        self._awake.set()

    @property
    def where(self) -> str:
        """The struck call, for messages."""
        called = self.calls[self.at - 1] if 0 < self.at <= len(self.calls) else "no call"
        return f"{self.fault} {self.moment} call {self.at} of {len(self.calls)}: {called}"

    @contextmanager
    def call(self, process: str, service: str, method: str, what: str = "") -> Iterator[None]:
        """One call of a process to a service."""
        if process not in self.processes:
            yield
            return
        hit = self._count(f"{process} {service}.{method} {what}", service)
        if hit and self.moment == "before":
            self._strike(service)
        self._awake.wait()
        self._refuse_the_dead()
        unheard: tuple[type[BaseException], ...] = ()
        try:
            yield
        except GeneratorExit:  # a stream that nobody reads on is cleared away: no caller is left to be told anything
            unheard = (Killed, DataworksError)
            raise
        finally:
            with suppress(*unheard):
                if hit and self.moment == "after":
                    self._strike(service)
                self._refuse_the_dead()

    def point(self, process: str, name: str) -> None:
        """A boundary between two stages: nothing to fail, but a place to die at."""
        with self.call(process, "", name):
            pass

    def _count(self, name: str, service: str) -> bool:
        if not service and self.fault in {"time-out", "refusal"}:
            return False
        with self._lock:
            self.calls.append(name)
            return len(self.calls) == self.at

    def _strike(self, service: str) -> None:
        self.has_struck = True
        if self.fault == "kill":
            self.is_dead = True
        elif self.fault == "visit":
            self._awake.clear()  # the whole process sleeps, not only this thread
            try:
                assert self.visitor is not None
                self.visitor()
            finally:
                self._awake.set()
        else:
            raise self.error(service)

    def _refuse_the_dead(self) -> None:
        if self.is_dead:
            raise Killed

    def error(self, service: str) -> DataworksError:
        """The error that a service's client would raise."""
        if self.fault == "time-out":
            return _TIMED_OUT[service]("timed out on purpose", where=self.where)
        kind = {"catalog": CatalogError, "keys": KeyServiceError, "store": AccessError}[service]
        return kind("refused on purpose", where=self.where, transient=False)
