"""Rate limiting across processes: keeps calls of one kind a gap apart, whichever process of this machine makes them.

AWS limits the calls of an account, but every run is a process of its own. So each call waits for its turn, in the order of
requests; if a process dies before its turn, only that turn is lost.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

_LONGEST_QUEUE_SECONDS = 600.0
"""A recorded turn further ahead than this was written before the machine last started."""


class Turns(Protocol):
    """Hands out turns."""

    def take(self, kind: str, gap_seconds: float) -> float:
        """Returns the time, on the caller's clock, from which the caller may make its next call of a kind."""


@dataclass
class OwnTurns:
    """Turns within one process only.

    Args:
        clock: monotonic seconds.
    """

    clock: Callable[[], float] = time.monotonic
    _last_seconds: dict[str, float] = field(default_factory=dict)

    def take(self, kind: str, gap_seconds: float) -> float:
        """See `Turns.take`."""
        turn = _next(self._last_seconds.get(kind), self.clock(), gap_seconds)
        self._last_seconds[kind] = turn
        return turn


@dataclass
class SharedTurns:
    """Turns across all processes of this machine, by one small file per kind; if it cannot be written, within this process.

    Args:
        folder: holds the files.
        scope: what AWS counts together: an endpoint and a region.
        clock: seconds since this machine started, the same in all processes.
    """

    folder: Path
    scope: str
    clock: Callable[[], float] = time.monotonic
    _own: OwnTurns = field(init=False)

    def __post_init__(self) -> None:
        self._own = OwnTurns(self.clock)

    def take(self, kind: str, gap_seconds: float) -> float:
        """See `Turns.take`."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self.folder.stat().st_uid != os.getuid():
                raise PermissionError(self.folder)
            return self._take(kind, gap_seconds)
        except OSError:
            return self._own.take(kind, gap_seconds)

    def _take(self, kind: str, gap_seconds: float) -> float:
        digest = hashlib.sha256(self.scope.encode()).hexdigest()[:16]
        with (self.folder / f"{kind}-{digest}").open("a+", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            turn = _next(_number(file.read()), self.clock(), gap_seconds)
            file.seek(0)
            file.truncate()
            file.write(repr(turn))
        return turn


def turns_of(endpoint: str | None, region: str) -> SharedTurns:
    """Returns the turns of an endpoint and a region, for all processes of this user on this machine."""
    return SharedTurns(Path(tempfile.gettempdir()) / f"dataworks-emr-{os.getuid()}", f"{endpoint} {region}")


def _next(last: float | None, now: float, gap_seconds: float) -> float:
    if last is None or last - now > _LONGEST_QUEUE_SECONDS:
        return now
    return max(now, last + gap_seconds)


def _number(text: str) -> float | None:
    with suppress(ValueError):
        return float(text)
    return None
