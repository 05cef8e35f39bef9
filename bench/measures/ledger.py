"""How long the ledger of a run of many collections takes: the real recorder, against the emulated DynamoDB."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta

from bench.deployments import add_collections, configure
from bench.findings import Row, Section, Surroundings
from bench.race import Stopwatch, stopwatch
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.ledger.recorder import LedgerBook
from dataworks_assets.ledger.rows import CollectionStatus
from dataworks_assets.systems.adg.recording import ledger_book, run_entry
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.plan import Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.recording import RunLedger, recorded
from spark.contract import PartitionResult, PartitionState
from spark.errors import LedgerError

_MOST_SECONDS = 10.0
_PATIENCE_SECONDS = 600.0
_LOGGER = logging.getLogger(__name__)


def measure(around: Surroundings) -> Section:
    """Records a run whose collections finish all at once, and one whose every status is written before the next comes."""
    folder, count = around.place.state.home / "ledger", around.sizes.location_collections
    day = datetime.now(UTC).date() - timedelta(days=1)
    add_collections(folder, count, database="ledger")
    workplace = configure(folder, "bench-ledger", first_day=day)
    platform, scope = workplace.platform, workplace.scope(SnapshotType.FULL)
    around.say(f"Ledger: two runs of {count} collections")
    at_once = _recorded(platform, scope, day, waits=False)
    one_by_one = _recorded(platform, scope, day, waits=True)
    rows = (
        _row(f"rows of {count:,} collections that all finish at once, until the last is written", at_once, _MOST_SECONDS),
        _row(f"rows of {count:,} collections, each written at each of its three statuses", one_by_one, None),
    )
    inputs = (
        "Rows by the recorder of a run into the emulated DynamoDB, with the run's log lines, notices and metrics; one run each"
    )
    return Section(title="Ledger", rows=rows, inputs=inputs)


def _recorded(platform: Platform, scope: AdgScope, day: date, *, waits: bool) -> Stopwatch:
    """Records one run, and looks whether every row tells its end."""
    book = ledger_book(platform, scope, platform.notifier)
    request = Request(collections=(), days=(day,), correlation_id=f"bench-{waits}")
    entry = run_entry(scope, request, run_id=request.correlation_id, has_message=False, now=datetime.now(UTC))
    with stopwatch() as watch, recorded(book, entry, _LOGGER) as ledger:
        _tell(ledger, tuple(scope.collections), day.isoformat(), waits=waits)
    _check(book, request.correlation_id, len(scope.collections))
    return watch


def _tell(ledger: RunLedger, names: tuple[str, ...], day: str, *, waits: bool) -> None:
    """Tells a ledger what a run tells it; `waits` until it is written, status by status."""

    def settle() -> None:
        if waits:
            ledger.recorder.scribe.settle(_PATIENCE_SECONDS)

    ledger.recorder.planned({day: names})
    settle()
    for name in names:
        ledger.publishing(name, day)
    settle()
    for name in names:
        ledger.reported(
            PartitionResult(
                collection=name,
                export_date=day,
                attempt="bench",
                state=PartitionState.PUBLISHED,
                fingerprint="f",
                config_hash="c",
            )
        )


def _check(book: LedgerBook, correlation_id: str, count: int) -> None:
    table = book.config.collection_table or ""
    said = {book.product.collection_status: CollectionStatus.COMPLETED.value}
    found = book.tables.rows(table, key=("CorrelationId", correlation_id), where=said)
    if len(found) != count:
        raise LedgerError(f"{len(found):,} of {count:,} rows tell the end of their collection", where=table)


def _row(measure: str, watch: Stopwatch, most: float | None) -> Row:
    return Row(
        measure=measure,
        result=f"{watch.seconds:.1f} s",
        target=f"< {most:.0f} s" if most else "",
        reached=watch.seconds < most if most else None,
        note=f"{watch.processor_seconds:.1f} s of processor time",
    )
