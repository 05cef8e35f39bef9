"""What the shared parts need to know of every system: its collections, and where its output and records lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

from dataworks_assets.config.collections import RetentionConfig
from dataworks_assets.config.settings import Settings
from spark.contract import AnyCollection


class Scoped(Protocol):
    """A collection of a system."""

    @property
    def name(self) -> str:
        """Its name, such as `core/statement`."""

    @property
    def job(self) -> AnyCollection:
        """The collection as the job's contract describes it."""

    @property
    def config_hash(self) -> str:
        """Hash of all configuration that shapes the output."""

    @property
    def audit_hash(self) -> str:
        """Hash of all configuration that shapes the output or decides whether it is accepted."""

    @property
    def key_path(self) -> tuple[str, ...]:
        """The parts of its asset's key."""

    @property
    def source_path(self) -> tuple[str, ...]:
        """The parts of the key of the asset that it is made from."""

    @property
    def retention(self) -> RetentionConfig:
        """How long its days and attempts are kept."""

    def has_day(self, day: date) -> bool:
        """Whether the collection has this day at all."""


class Scope(Protocol):
    """A system, or one of its snapshot types, in one deployment."""

    @property
    def settings(self) -> Settings:
        """The deployment and its collections."""

    @property
    def system(self) -> str:
        """The system's name, which is also its job's."""

    @property
    def name(self) -> str:
        """The multi-asset's name, and the first part of its assets' keys."""

    @property
    def snapshot_type(self) -> str:
        """Which of the source's deliveries: `full`, `incremental`, `partner`."""

    @property
    def collections(self) -> Mapping[str, Scoped]:
        """Every collection by name."""

    def select(self, names: Iterable[str]) -> Sequence[Scoped]:
        """Returns the collections of these names; all of them if no name is given."""

    @property
    def output_uri(self) -> str:
        """The prefix of all tables."""

    @property
    def control_uri(self) -> str:
        """The prefix of leases, job documents and refusals."""
