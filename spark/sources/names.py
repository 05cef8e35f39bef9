"""Parses the names of an export's objects. No listing, no content.

A data file is `<topic>-<SSS>-<EEE>-<NNNNNN>.txt.gz.enc`, its manifest the same with `.csv`: the slice's start and end
and the batch number, in digits of fixed width, which mark the end of the topic. A topic is `db.<database>.<collection>`
or `data.<collection>`; a database may hold hyphens, a collection at most one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

DATA_SUFFIX = ".txt.gz.enc"
MANIFEST_SUFFIX = ".csv"

_DATABASE = r"[A-Za-z0-9_][A-Za-z0-9_-]*"
_COLLECTION = r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z][A-Za-z0-9_]*)?"
_STEM = re.compile(
    rf"(?P<topic>db\.{_DATABASE}\.{_COLLECTION}|data\.{_COLLECTION})"
    r"-(?P<start>[0-9]{3})-(?P<end>[0-9]{3})-(?P<batch>[0-9]{6})"
)


class ObjectName(NamedTuple):
    """What the name of a data file or of a manifest says."""

    topic: str
    slice_start: int
    slice_end: int
    batch: int

    @property
    def stem(self) -> str:
        """The base name without its suffix, which a data file shares with its manifest."""
        return f"{self.topic}-{self.slice_start:03d}-{self.slice_end:03d}-{self.batch:06d}"


def parse_data_name(name: str) -> ObjectName | None:
    """Returns what a data file's base name says, None where it is not one."""
    return _parse(name, DATA_SUFFIX)


def parse_manifest_name(name: str) -> ObjectName | None:
    """Returns what a manifest's base name says, None where it is not one."""
    return _parse(name, MANIFEST_SUFFIX)


def _parse(name: str, suffix: str) -> ObjectName | None:
    if not name.endswith(suffix):
        return None
    match = _STEM.fullmatch(name[: -len(suffix)])
    if match is None:
        return None
    return ObjectName(match["topic"], int(match["start"]), int(match["end"]), int(match["batch"]))
