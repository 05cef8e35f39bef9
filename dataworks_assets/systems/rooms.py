"""What a system does in its own way for the commands that every system shares: how it is planned, and what lies ahead of it.

What is published, held or refused is read alike of all of them, by `Scope` alone. The list of rooms is in `every`.
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
    """What the source, and what operators said of it, make of a day, whatever is published of it.

    Args:
        state: in a word: delivered, missing, expired, given up, waits, changed inputs.
        reason: in a sentence.
        is_final: whether no run can publish the day any more: an earlier refusal then says less than this.
        is_settled: whether nobody has to do anything about it.
    """

    state: str
    reason: str = ""
    is_final: bool = False
    is_settled: bool = False


@dataclass(frozen=True)
class Outlook:
    """What lies ahead of some collections: by day, and in all, as lines to be shown."""

    days: Mapping[CollectionDay, Foreseen] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LedgerNames:
    """The names under which others read of a room's runs, and the kinds of which each has a product of its own."""

    names: ProductConfig
    kinds: tuple[str, ...]

    @property
    def products(self) -> tuple[str, ...]:
        """`DataProduct` of its status rows."""
        return tuple(self.names.product(kind) for kind in self.kinds)


class Room(Protocol):
    """A system, or one of its snapshot types, in one deployment."""

    @property
    def scope(self) -> Scope:
        """Its collections."""

    @property
    def ledger(self) -> LedgerNames:
        """By which names its status rows are found."""

    def repairs(self, notifier: Notifier) -> Sequence[LedgerRepair]:
        """Returns what writes the ledgers of its dead runs to their ends."""

    def planner(self) -> Plans:
        """Returns what makes its plans."""

    def usual_days(self, collections: Sequence[Scoped]) -> tuple[date, ...]:
        """Returns the days that are planned where none are named."""

    @property
    def idle(self) -> str:
        """What is said where no day is named and none is usual."""

    def last_day(self) -> date | None:
        """Returns the last day that an overview shows; None: the newest of which anything is known."""

    def outlook(self, collections: Sequence[Scoped], days: Sequence[date], *, ask_source: bool) -> Outlook:
        """Returns what lies ahead of collections on some days.

        Args:
            collections: of the scope.
            days: to be looked at.
            ask_source: whether to look at what the source has, where the system does that at all.
        """
