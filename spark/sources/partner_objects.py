"""The names of a partner's objects, and the listing of a day's prefix. No content is read.

An object is `<prefix>/<YYYY-MM-DD>_<name prefix><collection>...`; a day may have several per collection, which all count.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from spark.contract import DataFile, Finding
from spark.store import Listed, ObjectStore

_NAME = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2})_(?P<rest>.+)")
_LETTER = re.compile(r"[A-Za-z]")


@dataclass(frozen=True)
class PartnerListing:
    """One day of one module, by collection name as in the objects' names.

    Attributes:
        files: every data file, in order of address.
        findings: what is wrong with the set of them; a failed one refuses the collection's day.
        oldest_utc: when the oldest file was written.
        foreign: addresses of objects whose names are of no known collection.
    """

    files: dict[str, tuple[DataFile, ...]] = field(default_factory=dict)
    findings: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    oldest_utc: dict[str, datetime] = field(default_factory=dict)
    foreign: tuple[str, ...] = ()


def list_partner_day(store: ObjectStore, prefix_uri: str, *, day: date, names: Mapping[str, str]) -> PartnerListing:
    """Lists one day's prefix of one module.

    Args:
        store: the partner's store.
        prefix_uri: the prefix of the day.
        day: its date.
        names: by collection, what follows the date in its objects' names: `claims`, or `application-claims`.

    Raises:
        AccessError, StoreError: the listing was refused or failed; never taken for "nothing is there".
    """
    found: dict[str, list[Listed]] = defaultdict(list)
    findings: dict[str, list[Finding]] = defaultdict(list)
    foreign: list[str] = []
    for listed in store.list(prefix_uri):
        match = _NAME.fullmatch(listed.uri.rpartition("/")[2])
        collection = _collection_of(match["rest"], names) if match else None
        if match is None or collection is None:
            foreign.append(listed.uri)
        elif match["day"] != day.isoformat():
            findings[collection].append(_misplaced(listed.uri, match["day"], day))
        else:
            found[collection].append(listed)
    return PartnerListing(
        files={name: tuple(_files(same)) for name, same in found.items()},
        findings={name: tuple(same) for name, same in findings.items()},
        oldest_utc={name: min(each.modified_utc for each in same) for name, same in found.items()},
        foreign=tuple(foreign),
    )


def _collection_of(rest: str, names: Mapping[str, str]) -> str | None:
    """The collection whose name the text begins with, not followed by a letter; the longest such name."""
    fitting = [name for name, stem in names.items() if rest.startswith(stem) and not _LETTER.match(rest[len(stem) :])]
    return max(fitting, key=lambda name: len(names[name]), default=None)


def _files(listed: Iterable[Listed]) -> Iterable[DataFile]:
    ordered = sorted(listed, key=lambda each: each.uri)
    return (DataFile(source=each.source, batch=number) for number, each in enumerate(ordered, 1))


def _misplaced(uri: str, said: str, day: date) -> Finding:
    return Finding(
        check="read",
        passed=False,
        object=uri,
        place=day.isoformat(),
        cause=f"the object's name says {said}, its folder {day.isoformat()}",
        remedy="Have the partner deliver it under its own day, and remove it here",
    )
