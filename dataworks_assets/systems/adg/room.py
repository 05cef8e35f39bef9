"""ADG's room: its plans and the exported days. It has no outlook: nothing is known of a day before it is exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from dataworks_assets.systems.adg.exported import newest_exported_days
from dataworks_assets.systems.adg.planner import Planner
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.rooms import LedgerNames, Outlook
from dataworks_assets.systems.scope import Scoped

if TYPE_CHECKING:
    from dataworks_assets.ledger.notices import Notifier
    from dataworks_assets.systems.ledger_repair import LedgerRepair

_USUAL_DAYS = 7


@dataclass(frozen=True)
class AdgRoom:
    """One snapshot type of ADG."""

    platform: Platform
    scope: AdgScope

    @property
    def ledger(self) -> LedgerNames:
        """One product per snapshot type."""
        return LedgerNames(self.scope.settings.deployment.ledger.adg, (str(self.scope.snapshot_type),))

    def repairs(self, notifier: Notifier) -> Sequence[LedgerRepair]:
        """Returns the objects that close the ledgers of its dead runs."""
        from dataworks_assets.systems.adg.recording import ledger_repair

        return [ledger_repair(self.platform, self.scope, notifier)]

    def planner(self) -> Planner:
        """Returns the planner of its runs."""
        return Planner(self.platform, self.scope)

    def usual_days(self, collections: Sequence[Scoped]) -> tuple[date, ...]:
        """Returns the seven newest days that were exported."""
        del collections
        return newest_exported_days(self.platform.store, self.scope, _USUAL_DAYS, today=datetime.now(UTC).date())

    @property
    def idle(self) -> str:
        """The message shown if nothing was exported."""
        return f"Nothing was exported for {self.scope.name}: no day to plan. Write the sample: dataworks sample write"

    def last_day(self) -> date | None:
        """None: the newest day of which anything is known."""
        return None

    def outlook(self, collections: Sequence[Scoped], days: Sequence[date], *, ask_source: bool) -> Outlook:
        """Returns nothing: an export comes as a whole, announced by a message, and `plan` lists it."""
        del collections, days, ask_source
        return Outlook()
