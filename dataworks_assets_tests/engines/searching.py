"""A search for what must stand in no file, while a job writes and deletes them."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def searching(text: bytes, folders: tuple[Path, ...]) -> Iterator[set[Path]]:
    """Looks for a text in every file of some folders, again and again: Spark deletes most as soon as it has read them."""
    found: set[Path] = set()
    ended = threading.Event()

    def search() -> None:
        while not ended.wait(0.02):
            found.update(path for folder in folders for path in _files_with(text, folder))

    searcher = threading.Thread(target=search)
    searcher.start()
    try:
        yield found
    finally:
        ended.set()
        searcher.join()
    found.update(path for folder in folders for path in _files_with(text, folder))


def _files_with(text: bytes, folder: Path) -> list[Path]:
    paths = (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)  # a folder that goes is passed over
    return [path for path in paths if text in _content(path)]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:
        return b""
