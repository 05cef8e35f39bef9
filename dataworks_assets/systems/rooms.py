"""Rooms: the interface through which the shared commands reach what each system does in its own way, planning and outlook.

What is published, held or refused is read the same way for all systems, from their `Scope`. `every` lists the rooms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Protocol

from dataworks_assets.config.ledger import ProductConfig
from dataworks_assets.systems.plan import Plans
from dataworks_assets.systems.scope import Scope, Scoped

if TYPE_CHECKING:
    from dataworks_assets.ledger.notices import Notifier
    from dataworks_assets.systems.ledger_repair import LedgerRepair

CollectionDay = tuple[str, date]
"""A collection's name and a day."""


@dataclass(frozen=True)
class Foreseen:
    """The state of a day by its source and by operators' decisions, regardless of what is published of it.

    Args:
        state: in a word: delivered, missing, expired, given up, waits, changed inputs.
        reason: in a sentence.
        is_final: whether no run can publish the day any more; this then takes precedence over an earlier refusal.
        is_settled: whether nobody has to do anything about it.
    """

    state: str
    reason: str = ""
    is_final: bool = False
    is_settled: bool = False


@dataclass(frozen=True)
class Outlook:
    """What to expect for some collections: by day, and overall as `notes`, lines to be shown."""

    days: Mapping[CollectionDay, Foreseen] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LedgerNames:
    """The names under which a room's runs appear in the status table; each of `kinds` is a product of its own."""

    names: ProductConfig
    kinds: tuple[str, ...]

    @property
    def products(self) -> tuple[str, ...]:
        """The values of `DataProduct` in its status rows."""
        return tuple(self.names.product(kind) for kind in self.kinds)


class Room(Protocol):
    """A system, or one of its snapshot types, in one deployment."""

    @property
    def scope(self) -> Scope:
        """Its collections."""

    @property
    def ledger(self) -> LedgerNames:
        """The names under which its status rows are found."""

    def repairs(self, notifier: Notifier) -> Sequence[LedgerRepair]:
        """Returns the objects that close the ledgers of its dead runs."""

    def planner(self) -> Plans:
        """Returns the planner of its runs."""

    def usual_days(self, collections: Sequence[Scoped]) -> tuple[date, ...]:
        """Returns the days that are planned if none are named."""

    @property
    def idle(self) -> str:
        """The message shown if no day is named and there is no usual one."""

    def last_day(self) -> date | None:
        """Returns the last day that an overview shows; None for the newest day of which anything is known."""

    def outlook(self, collections: Sequence[Scoped], days: Sequence[date], *, ask_source: bool) -> Outlook:
        """Returns the outlook of collections on some days.

        Args:
            collections: of the scope.
            days: the days of interest.
            ask_source: whether to list what the source has, if the system can do that at all.
        """
