"""What nodes of the emulated EMR begin with beside EMR's own image: environments that earlier clusters' bootstrap actions made.

As with an AMI of one's own, whose environment a bootstrap action finds there already and leaves alone. An environment is a
folder named by its version, and finished once `.ready` is in it; a node gets those that its bootstrap actions name, by hard
links: three hundred megabytes lie on the disk, and in its cache, once.
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
        """Puts the environments of these versions, as far as there are any, below a folder of a node."""
        for version in versions:
            if (self.folder / version).exists():
                os.utime(self.folder / version)
                _link(self.folder / version, target / version)

    def keep(self, versions: Iterable[str], source: Path) -> None:
        """Keeps the environments of these versions that a node has finished; of all versions only the last that were used."""
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
