"""Naming: topics, Hive databases and tables, asset keys, groups, and tags in a form that Dagster accepts.

The Hive names are contracts with systems downstream. Nothing here reads configuration; every function is pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from spark.contract import OutputTable
from spark.errors import ConfigurationError

HIVE_NAME = re.compile(r"[a-z0-9_]+")
TAG_NOT_SET = {"collection_tag": "NOT_SET"}
"""The tags of a collection without any: no policy grants access by them, so access fails closed."""

_DATABASE = r"[A-Za-z0-9_][A-Za-z0-9_-]*"
_COLLECTION = r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z][A-Za-z0-9_]*)?"
_TOPIC = re.compile(rf"(?:db\.(?P<database>{_DATABASE})|data)\.(?P<collection>{_COLLECTION})")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_TEAM = re.compile(r"team:[\w .-]*\w", re.ASCII)
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")
_DAGSTER_TAG_CHARACTERS = 63
_DIGEST_CHARACTERS = 8


class SnapshotType(StrEnum):
    """The two kinds of export; each is a set of assets of its own."""

    FULL = "full"
    INCREMENTAL = "incremental"


_DATABASES = {
    SnapshotType.FULL: "analytical_dataset_generation",
    SnapshotType.INCREMENTAL: "analytical_dataset_generation_incremental",
}


class TopicName(NamedTuple):
    """The two names in a topic, as the producer writes them (case and hyphens kept)."""

    database: str
    collection: str

    @property
    def name(self) -> str:
        """The collection's name everywhere in this platform: `core/statement`."""
        return f"{self.database}/{self.collection}"


def split_topic(topic: str) -> TopicName:
    """Returns the database and collection of `db.<database>.<collection>` (`data` for `data.<collection>`).

    Raises:
        ConfigurationError: the text is not a topic.
    """
    match = _TOPIC.fullmatch(topic)
    if match is None:
        raise ConfigurationError(
            f"{topic!r} is no topic",
            remedy="Write db.<database>.<collection> (or data.<collection>); a collection holds at most one hyphen",
        )
    return TopicName(match["database"] or "data", match["collection"])


def hive_fold(name: str) -> str:
    """Returns the name as Hive sees it: lower case, hyphens as underscores."""
    return name.lower().replace("-", "_")


def hive_database(snapshot_type: SnapshotType) -> str:
    """Returns the Hive database of a snapshot type's tables."""
    return _DATABASES[snapshot_type]


def table_name(topic: str) -> str:
    """Returns the plain table's name of a topic: `penalties_and_deductions_sanction`."""
    return hive_fold("_".join(split_topic(topic)))


def quarantine_table(main: OutputTable) -> str:
    """Returns the name of the table that holds a collection's quarantined lines, beside its main table."""
    return f"{main.newest or main.name}_quarantine"


def asset_key(system: str, snapshot_type: SnapshotType, topic: str) -> tuple[str, ...]:
    """Returns the parts of an asset's key: `("adg_full", "core", "statement")`. Case and hyphens are the producer's."""
    return (f"{system}_{snapshot_type}", *split_topic(topic))


def asset_fold(parts: Sequence[str]) -> str:
    """Returns the identifier that Dagster derives from an asset key; two keys with the same identifier cannot coexist."""
    return "__".join(parts).replace("-", "_").replace(".", "_")


def group_name(system: str, snapshot_type: SnapshotType, topic: str) -> str:
    """Returns the asset group of a topic's database: `adg_full_core`."""
    return f"{system}_{snapshot_type}_{split_topic(topic).database.replace('-', '_')}"


def dagster_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Returns tags that Dagster accepts: every run of other characters as one `_`, at most 63 characters.

    A truncated value ends in a digest of the whole, so that two long values stay distinct.
    """
    return {_fit(key) or "_": _fit(value) for key, value in tags.items()}


def is_owner(text: str) -> bool:
    """Whether Dagster accepts the text as an owner: an e-mail address, or `team:` and a name."""
    return _EMAIL.fullmatch(text) is not None or _TEAM.fullmatch(text) is not None


def _fit(text: str) -> str:
    fitted = _UNFIT.sub("_", text)
    if len(fitted) <= _DAGSTER_TAG_CHARACTERS:
        return fitted
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{fitted[: _DAGSTER_TAG_CHARACTERS - _DIGEST_CHARACTERS - 1]}-{digest}"
