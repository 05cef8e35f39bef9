"""The process from which Spark forks its Python workers: it preloads what tasks need, and makes imports fast.

Spark runs it instead of `pyspark.daemon` if `spark.python.daemon.module` names it. Before every task a worker invalidates
Python's import caches; every archive on the path, Spark's own jar included, is then read again, which costs a tenth of a
second of CPU time per task. So archives that hold nothing but the pyspark that is installed anyway are left out.

If pandas is installed, pyarrow imports it with the first array that it makes, in order to recognise its types. Tasks use no
pandas, but each worker would load it (a fifth of a second, 40 MB) and garbage-collect its objects after every task (10 ms).
So pandas is hidden from workers.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Collection, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

_ARCHIVES = frozenset({".zip", ".jar"})
_LOADED = ("spark.jobs.stage",)
"""What tasks import: loaded before the fork, so that each worker has it at once. All of it is safe to fork."""
_UNUSED = frozenset({"pandas"})
"""What libraries import if it is installed although tasks do not use it."""


class Absent(MetaPathFinder):
    """An import finder that makes modules appear not to be installed."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Refuses the hidden modules; leaves all others to the next finder.

        Raises:
            ModuleNotFoundError: the module is hidden.
        """
        if name in self._names:
            raise ModuleNotFoundError(f"{name} is not there for Spark's workers: see spark/jobs/daemon.py", name=name)
        return None


def without_own_archives(path: Sequence[str]) -> list[str]:
    """Returns a module path without the archives inside the pyspark package, which is on the path anyway."""
    folders = [entry for entry in path if Path(entry).suffix not in _ARCHIVES]
    found = PathFinder.find_spec("pyspark", folders)
    if found is None or found.origin is None:
        return list(path)
    package = Path(found.origin).resolve().parent
    return [entry for entry in path if entry in folders or not Path(entry).resolve().is_relative_to(package)]


def main() -> None:
    """Makes this process ready to be forked and hands it to pyspark."""
    kept = without_own_archives(sys.path)
    for entry in set(sys.path).difference(kept):
        sys.path_importer_cache.pop(entry, None)
    sys.path[:] = kept
    sys.meta_path.insert(0, Absent(_UNUSED))
    for name in _LOADED:
        importlib.import_module(name)
    from pyspark.daemon import manager

    gc.freeze()  # what is loaded stays: not traversed after every task, nor its pages copied by that
    manager()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
