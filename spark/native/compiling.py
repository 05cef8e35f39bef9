"""Compiles the library from its C sources, for this machine or for another kind of node.

The compiler is Zig's C compiler, a Python package in the lock: the machine needs no compiler of its own, and can
cross-compile for every other. Run as a program, it compiles for this machine and puts the library in place.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from spark.errors import ConfigurationError
from spark.native.library import LIBRARY_PATH

SOURCES = tuple(sorted(path for path in Path(__file__).parent.iterdir() if path.suffix in {".c", ".h"}))
"""The library's source files."""

_FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O3", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden", "-s"]
_TARGETS = {"Linux": "{}-linux-gnu.2.28", "Darwin": "{}-macos"}
"""By the name of the system; glibc 2.28 is the oldest that the other packages' wheels take."""
_CACHE = Path(__file__).parents[3] / "build" / "zig"


def compile_library(path: Path, *, machine: str = "", flags: Sequence[str] = ()) -> None:
    """Compiles the library.

    Args:
        path: of the library to write.
        machine: `x86_64` or `aarch64`, of nodes with Linux; empty for this machine.
        flags: more of the compiler's.

    Raises:
        ConfigurationError: it cannot be compiled; contains the compiler's message.
    """
    system = "Linux" if machine else platform.system()
    target = _TARGETS.get(system, "").format(machine or platform.machine().replace("arm64", "aarch64"))
    sources = [str(source) for source in SOURCES if source.suffix == ".c"]
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *_FLAGS, *flags, "-o", str(beside), *sources]
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(_CACHE), "ZIG_LOCAL_CACHE_DIR": str(_CACHE)}
    done = subprocess.run(command, env={**os.environ, **caches}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigurationError(
            f"the reader does not compile for {target or system}: {' '.join(done.stderr.split())[-600:]}",
            where=str(Path(__file__).parent),
            remedy="Run `make setup`, which installs the compiler; platforms: Linux with glibc, macOS; x86_64, aarch64",
        )
    beside.replace(path)  # a process that has the old one open keeps it


if __name__ == "__main__":
    compile_library(LIBRARY_PATH)
