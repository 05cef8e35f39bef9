"""Python environments from earlier clusters' bootstrap actions, with which nodes of the emulated EMR start.

This is like a custom AMI, whose environment a bootstrap action finds and leaves alone. An environment is a folder named by its
version, and is complete once `.ready` is in it. A node gets those that its bootstrap actions name, as hard links, so that
their 300 MB are on disk, and in its cache, only once.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_FINISHED = ".ready"
_MOST_KEPT = 2


@dataclass(frozen=True)
class Images:
    """Finished environments, by version.

    Args:
        folder: each is a folder below it.
    """

    folder: Path

    def give(self, versions: Iterable[str], target: Path) -> None:
        """Puts the existing environments of these versions below a folder of a node."""
        for version in versions:
            if (self.folder / version).exists():
                os.utime(self.folder / version)
                _link(self.folder / version, target / version)

    def keep(self, versions: Iterable[str], source: Path) -> None:
        """Keeps a node's complete environments of these versions; of all versions, only the most recently used stay."""
        for version in versions:
            if (source / version / _FINISHED).exists() and not (self.folder / version).exists():
                unfinished = self.folder / f".{version}"
                shutil.rmtree(unfinished, ignore_errors=True)
                _link(source / version, unfinished)
                unfinished.rename(self.folder / version)
        kept = sorted(self.folder.glob("[!.]*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in kept[_MOST_KEPT:]:
            shutil.rmtree(old)


def _link(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, copy_function=os.link)
