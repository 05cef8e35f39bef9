"""The requests that are struck: first and repeated publications, several tables, days and columns, refusals, new tags."""

from __future__ import annotations

from datetime import date

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.stack.sample.wire import Record
from dataworks_assets_tests.faults.scenario import Scenario
from dataworks_assets_tests.systems.adg.whole_path import bare, configured, documents

DAYS = (date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22))
STATEMENT, CLAIMANT, AUDIT = "db.core.statement", "db.core.claimant", "data.businessAudit"
NO_LINE = b"this is no document"


def _claimants(count: int, *, first: int = 0) -> list[Record]:
    """Documents, and a line that is none."""
    return [*documents(count, first=first), bare(NO_LINE)]


def _ids(first: int, count: int) -> list[str]:
    return sorted(f"s{number}" for number in range(first, first + count))


_FULL = (
    configured(STATEMENT),
    configured(CLAIMANT, layout="typed", columns=[{"name": "n", "type": "bigint"}], quarantine_share=0.5),
)
_SPECIAL = (
    configured(
        AUDIT,
        snapshot_types=["incremental"],
        newest=False,
        database="uc_dw",
        table="auditlog_raw",
        partition_column="date_str",
        layout="text",
        text_column="val",
        tables=[
            {
                "database": database,
                "table": table,
                "partition_column": "date_str",
                "tags": {"table": table},
                "columns": [{"name": "n"}],
            }
            for database, table in (("uc_dw", "auditlog_managed"), ("uc", "auditlog_sec_v"))
        ],
    ),
)


def _audits(first: int, count: int) -> list[Record]:
    return [record for number in range(first, first + count) for record in documents(1, first=number, n=str(number))]


FIRST = Scenario(
    "first publication",
    _FULL,
    then=[(STATEMENT, DAYS[0], documents(3)), (CLAIMANT, DAYS[0], _claimants(4))],
    days=DAYS[:1],
    ids={("core/statement", DAYS[0]): _ids(0, 3), ("core/claimant", DAYS[0]): _ids(0, 4)},
)
CHANGED = Scenario(
    "changed inputs",
    _FULL,
    before=[
        *[(STATEMENT, day, documents(3)) for day in DAYS[:2]],
        *[(CLAIMANT, day, _claimants(4)) for day in DAYS[:2]],
    ],
    then=[(STATEMENT, DAYS[1], documents(4, first=2)), (CLAIMANT, DAYS[1], documents(4, first=1, n=7))],
    days=DAYS[:2],
    ids={
        ("core/statement", DAYS[0]): _ids(0, 3),
        ("core/claimant", DAYS[0]): _ids(0, 4),
        ("core/statement", DAYS[1]): _ids(2, 4),
        ("core/claimant", DAYS[1]): _ids(1, 4),
    },
)
SPECIAL = Scenario(
    "special collection with several tables",
    _SPECIAL,
    before=[(AUDIT, DAYS[0], _audits(0, 3))],
    then=[(AUDIT, DAYS[0], _audits(1, 4)), (AUDIT, DAYS[1], _audits(0, 2))],
    days=DAYS[:2],
    ids={},
    snapshot_type=SnapshotType.INCREMENTAL,
)
RANGE = Scenario(
    "several days",
    _FULL,
    before=[(STATEMENT, DAYS[1], documents(3)), (CLAIMANT, DAYS[1], documents(2))],
    then=[
        *[(STATEMENT, day, documents(3, first=at)) for at, day in enumerate(DAYS)],
        *[(CLAIMANT, day, _claimants(2, first=at)) for at, day in enumerate(DAYS)],
    ],
    days=DAYS,
    ids={
        **{("core/statement", day): _ids(at, 3) for at, day in enumerate(DAYS)},
        **{("core/claimant", day): _ids(at, 2) for at, day in enumerate(DAYS)},
    },
)
REFUSED = Scenario(
    "one collection refused, one that was",
    (configured(STATEMENT), configured(CLAIMANT, quarantine_share=0.5)),
    before=[(STATEMENT, DAYS[0], documents(3)), (CLAIMANT, DAYS[0], documents(3))],
    spoiled=[(STATEMENT, DAYS[1], [*documents(3), bare(NO_LINE)]), (CLAIMANT, DAYS[1], documents(2))],
    then=[
        (STATEMENT, DAYS[0], [*documents(2), bare(NO_LINE)]),
        (STATEMENT, DAYS[1], documents(4)),
        (CLAIMANT, DAYS[1], _claimants(2)),
    ],
    days=DAYS[:2],
    ids={
        ("core/statement", DAYS[0]): _ids(0, 3),
        ("core/claimant", DAYS[0]): _ids(0, 3),
        ("core/statement", DAYS[1]): _ids(0, 4),
        ("core/claimant", DAYS[1]): _ids(0, 2),
    },
    refused=frozenset({("core/statement", DAYS[0].isoformat())}),
)
RETAGGED = Scenario(
    "changed tags",
    (configured(STATEMENT, tags={"pii": "false"}), configured(CLAIMANT)),
    collections_before=(configured(STATEMENT), configured(CLAIMANT)),
    before=[(topic, day, documents(2)) for topic in (STATEMENT, CLAIMANT) for day in DAYS[:2]],
    then=[],
    days=DAYS[:2],
    ids={(name, day): _ids(0, 2) for name in ("core/statement", "core/claimant") for day in DAYS[:2]},
)
RECONFIGURED = Scenario(
    "another column",
    (configured(STATEMENT, layout="typed", columns=["n", "m"]),),
    collections_before=(configured(STATEMENT, layout="typed", columns=["n"]),),
    before=[(STATEMENT, day, documents(2, n="one", m="two")) for day in DAYS],
    then=[],
    days=DAYS[1:],
    ids={("core/statement", day): _ids(0, 2) for day in DAYS},
)
SCENARIOS = {scenario.name: scenario for scenario in (FIRST, CHANGED, SPECIAL, RANGE, REFUSED, RETAGGED, RECONFIGURED)}
