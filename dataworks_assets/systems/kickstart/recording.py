"""Kickstart's side of the ledger: one row per module with the outcome of its last run and that run's last day.

The row's key has no date, so that a run over many days is one entry: what happens to any of its days is recorded under the
last one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from dataworks_assets.config.kickstart import PartnerModule
from dataworks_assets.ledger.entries import DayEntry, EntryStore, RunEntry, expiry_epoch
from dataworks_assets.ledger.judging import Publication
from dataworks_assets.ledger.logs import RunLogs
from dataworks_assets.ledger.metrics import Metrics
from dataworks_assets.ledger.notices import Notifier
from dataworks_assets.ledger.recorder import LedgerBook
from dataworks_assets.systems.attending import RunContext
from dataworks_assets.systems.kickstart.acknowledged import read_acknowledged
from dataworks_assets.systems.kickstart.scope import SYSTEM, KickstartScope
from dataworks_assets.systems.ledger_repair import LedgerRepair
from dataworks_assets.systems.plan import Plan
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.recording import CatalogTruth, RunLedger, recorded
from spark.contract import PartitionResult


def ledger_system(module: PartnerModule) -> str:
    """Returns the name under which a module's entries are found."""
    return f"{SYSTEM}_{module}"


def kickstart_book(platform: Platform, scope: KickstartScope, module: PartnerModule, notifier: Notifier) -> LedgerBook:
    """Returns what is needed to write the ledger of a module."""
    config, gateway = scope.settings.deployment.ledger, platform.gateway

    def with_day(text: str) -> frozenset[str]:
        """The module's collections of a day, except those given up, without which the day is complete."""
        day = date.fromisoformat(text)
        given_up = read_acknowledged(platform.store, scope)
        names = (each.name for each in scope.of_module(module) if each.has_day(day))
        return frozenset(name for name in names if (name, day) not in given_up)

    return LedgerBook(
        config=config,
        product=config.kickstart,
        tables=platform.status_tables,
        entries=EntryStore(platform.store, scope.control_uri),
        notifier=notifier,
        truth=CatalogTruth(platform, scope, with_day),
        metrics=Metrics(config.metrics, config.kickstart, gateway, platform.store, scope.control_uri) if gateway else None,
        logs=RunLogs(platform.log_groups, config.log_group) if config.log_group else None,
        run_url=platform.run_url,
    )


def kickstart_repairs(platform: Platform, scope: KickstartScope, notifier: Notifier) -> list[LedgerRepair]:
    """Returns what closes the ledgers of dead runs, one object per module."""
    longest_run = timedelta(seconds=scope.settings.deployment.engine.timeout_seconds)
    return [
        LedgerRepair(kickstart_book(platform, scope, module, notifier), ledger_system(module), longest_run)
        for module in scope.modules()
    ]


def run_entry(
    scope: KickstartScope, module: PartnerModule, names: Sequence[str], days: Sequence[date], *, book: LedgerBook, run_id: str
) -> RunEntry:
    """Returns the ledger entry of a run of a module."""
    config, now, last = scope.settings.deployment.ledger, book.clock(), max(days)
    source = scope.source
    return RunEntry(
        run_id=run_id,
        part=module.value,
        system=ledger_system(module),
        kind=module.value,
        product=config.kickstart.product(module.value),
        started_utc=now,
        expires_epoch=expiry_epoch(now, config.keep_days),
        cluster_id=run_id,
        days=(
            DayEntry(
                date=last.isoformat(),
                correlation_id=config.kickstart.default_correlation_id(module.value, last),
                source_prefix=source.prefix.format(module=module.value, export_date=last.isoformat()),
                output_prefix=source.output,
                asked=tuple(sorted(names)),
                is_whole=set(names) == {each.name for each in scope.of_module(module) if each.has_day(last)},
            ),
        ),
    )


@dataclass(frozen=True)
class ModuleLedgers:
    """Records a run's events in the ledgers of its modules; those of any of its days under the last one."""

    ledgers: Mapping[str, RunLedger]
    """The ledger of each collection's module, by collection."""
    last_day: str

    def correlation_id(self, name: str, day: str) -> str:
        """The correlation id of the module's row, which all of the run's days share."""
        del day
        return self.ledgers[name].correlation_id(name, self.last_day)

    def planned(self, plan: Plan) -> None:
        """The plan is made."""
        work: dict[int, set[str]] = defaultdict(set)
        for planned in plan.days:
            name, day = planned.collection.name, planned.day.isoformat()
            ledger = self.ledgers[name]
            if planned.decision.needs_work:
                work[id(ledger)].add(name)
            elif planned.decision.is_impossible:
                ledger.failed(name, self.last_day, f"{day}: {planned.reason}", partition=day)
            elif planned.decision.is_published and planned.published is not None and day == self.last_day:
                ledger.known[name, day] = Publication(planned.published.published_utc, planned.published.run_id)
        for ledger in {id(ledger): ledger for ledger in self.ledgers.values()}.values():
            names = tuple(sorted(work[id(ledger)]))
            ledger.recorder.planned({self.last_day: names} if names else {})

    def running_on(self, cluster_id: str) -> None:
        """The cluster is known that the run's application runs on."""
        for ledger in {id(ledger): ledger for ledger in self.ledgers.values()}.values():
            ledger.running_on(cluster_id)

    def publishing(self, name: str, day: str) -> None:
        """A collection's day is about to be published."""
        del day
        self.ledgers[name].publishing(name, self.last_day)

    def reported(self, item: PartitionResult) -> None:
        """A collection's day was published, refused, or failed."""
        self.ledgers[item.collection].reported(item, row_day=self.last_day)

    def failed(self, name: str, day: str, cause: str) -> None:
        """A collection's day is not published, for this cause."""
        self.ledgers[name].failed(name, self.last_day, f"{day}: {cause}", partition=day)


@contextmanager
def kickstart_recorded(
    platform: Platform,
    scope: KickstartScope,
    context: RunContext,
    *,
    names: Sequence[str],
    days: Sequence[date],
    was_cancelled: Callable[[], bool] = lambda: False,
    in_background: bool = True,
) -> Iterator[ModuleLedgers]:
    """Keeps the ledgers of a run's modules while the block runs, and closes them however it ends.

    Args:
        platform: the deployment's clients.
        scope: Kickstart.
        context: the run.
        names: the requested collections.
        days: the days, at least one.
        was_cancelled: see `recorded`.
        in_background: whether rows are written by a background thread.
    """
    by_module: dict[PartnerModule, list[str]] = defaultdict(list)
    for name in names:
        by_module[scope.collections[name].config.module].append(name)
    ledgers: dict[str, RunLedger] = {}
    with ExitStack() as stack:
        for module, asked in by_module.items():
            book = kickstart_book(platform, scope, module, platform.notifier)
            entry = run_entry(scope, module, asked, days, book=book, run_id=context.run_id)
            kept = recorded(book, entry, context.log, was_cancelled=was_cancelled, in_background=in_background)
            ledger = stack.enter_context(kept)
            ledgers |= dict.fromkeys(asked, ledger)
        yield ModuleLedgers(ledgers, max(days).isoformat())
