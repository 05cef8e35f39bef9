"""What Spark forks its Python workers from: the process that has loaded what tasks need, once, and finds modules quickly.

Spark runs it in the place of `pyspark.daemon` where `spark.python.daemon.module` names it. Before every task a worker has
Python forget which modules there are; each archive on the path is then read again, Spark's own jar among them: a tenth of
a second of processor time a task. So archives that hold nothing but the pyspark that is installed anyway are left out.

pyarrow loads pandas with the first array that it makes, where it is installed, to know its types. Tasks have none; and each
worker would load it for itself (a fifth of a second, 40 MB) and then walk through its objects after every task (10 ms). So for
workers it is not there.
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
"""What tasks import: loaded before the fork, so that each worker has it at once. Nothing in it minds being forked."""
_UNUSED = frozenset({"pandas"})
"""What libraries load if it is there, and tasks have no use of."""


class Absent(MetaPathFinder):
    """Has Python find that modules are not installed, whether they are or not."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Refuses the names; of any other it knows nothing.

        Raises:
            ModuleNotFoundError: the module is to be absent.
        """
        if name in self._names:
            raise ModuleNotFoundError(f"{name} is not there for Spark's workers: see spark/jobs/daemon.py", name=name)
        return None


def without_own_archives(path: Sequence[str]) -> list[str]:
    """Returns a module path without the archives that lie inside the pyspark package which the path has anyway."""
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

    gc.freeze()  # what is loaded stays: neither looked at after every task, nor copied for it
    manager()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
