"""The definition of a stack service: which ports it takes, how it is started, when it is ready.

Each service is a value of this type in its own module; `lifecycle` starts and ends them together.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Surroundings:
    """What a service may know when it is started: folders, Java, and every service's ports."""

    home: Path
    java_home: Path
    jars_directory: Path
    ports: Mapping[str, Mapping[str, int]]

    def directory(self, service: str) -> Path:
        """Returns a service's own folder; creates it if missing, inaccessible to other users."""
        path = self.home / service
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def port(self, service: str, name: str = "main") -> int:
        """Returns one of a service's ports."""
        return self.ports[service][name]


@dataclass(frozen=True)
class Service:
    """One service of the stack.

    Attributes:
        name: also the name of its folder.
        title: what it stands for, for people.
        port_names: what its ports are for; `main` is the one that clients use.
        prepare: writes the files it needs.
        command: the program and its arguments; a service whose command has changed is restarted.
        check_ready: returns once it answers, raises one of `not_ready` until then.
        url: its address.
        environment: variables for its process.
        port_offsets: offsets from each port at which it uses further ones.
        bound_to_all: whether it listens on every address of the machine, because it has no option for one.
        on_demand: whether it runs only if a deployment requests it.
    """

    name: str
    title: str
    port_names: tuple[str, ...]
    prepare: Callable[[Surroundings], None]
    command: Callable[[Surroundings], list[str]]
    check_ready: Callable[[Surroundings], None]
    not_ready: tuple[type[Exception], ...]
    url: Callable[[Surroundings], str]
    environment: Callable[[Surroundings], dict[str, str]] = field(default=lambda _: {})
    port_offsets: tuple[int, ...] = (0,)
    bound_to_all: bool = False
    on_demand: bool = False


def python_path() -> str:
    """Returns one path for this environment's interpreter, whether it was called `python`, `python3` or by a link."""
    return str(Path(sys.prefix) / "bin" / "python")


def write_private(path: Path, content: bytes) -> None:
    """Writes a file atomically, readable only by its owner."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - with a mode
        file.write(content)
    fresh.replace(path)
