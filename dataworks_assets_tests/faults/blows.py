"""Blows to real processes: at a call that a pattern names, a process kills itself, or a service of the stack, by SIGKILL."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import msgspec

from dataworks_assets.stack.state import load_state

VARIABLE = "DATAWORKS_TEST_BLOW"
SELF = "self"


class Blow(msgspec.Struct, frozen=True):
    """Who is killed, and when.

    Attributes:
        process: whose calls count: `step` or `application`.
        pattern: of the call, `<service>.<method> <first argument>`.
        moment: before or after it.
        victim: `self`, or a service of the stack (`s3`, `metastore`).
        mark: a file that says that it happened; it happens once.
        home: the stack's folder.
    """

    process: str
    pattern: str
    moment: str
    victim: str
    mark: str
    home: str

    def strike(self) -> None:
        """Kills the victim, once."""
        try:
            Path(self.mark).touch(exist_ok=False)
        except FileExistsError:
            return
        pid = os.getpid()
        if self.victim != SELF:
            state = load_state(Path(self.home))
            assert state is not None
            process = state.services[self.victim].process
            assert process is not None
            pid = process.pid
        os.kill(pid, signal.SIGKILL)


def blow_for(process: str) -> Blow | None:
    """The blow that the environment tells this process of."""
    text = os.environ.get(VARIABLE)
    blow = msgspec.json.decode(text, type=Blow) if text else None
    return blow if blow is not None and blow.process == process else None


@dataclass
class Struck:
    """A client whose calls may bring the blow; a worker that unpickles it gets the client alone."""

    client: Any
    service: str
    blow: Blow

    def __reduce__(self) -> Any:
        return self.client.__reduce__()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        return self._struck(found, name) if callable(found) else found

    def _struck(self, method: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(method)
        def call(*args: Any, **options: Any) -> Any:
            hit = re.search(self.blow.pattern, f"{self.service}.{name} {args[0] if args else ''}")
            if hit and self.blow.moment == "before":
                self.blow.strike()
            result = method(*args, **options)
            if hit and self.blow.moment == "after":
                self.blow.strike()
            return result

        return call


def struck(client: Any, service: str, blow: Blow | None) -> Any:
    """The client, with the blow's calls watched."""
    return client if blow is None else Struck(client, service, blow)
