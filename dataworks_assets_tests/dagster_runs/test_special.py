"""The special collections: tables of their own, each with its columns, its partition column and its database."""

from __future__ import annotations

import pytest

from dataworks_assets_tests.dagster_runs.reading import read_files
from dataworks_assets_tests.dagster_runs.world import DAYS, INCREMENTAL

RED = [
    *("audit_id", "audit_event", "time_stamp", "time_stamp_orig", "context_id", "transaction_id", "process", "outcome"),
    *("1_abroad_for_more_than_one_month", "2_other_income"),
]
SECURE = [
    *("audit_id", "audit_event", "time_stamp", "time_stamp_orig", "context_id", "citizen_id", "agent_id", "contract_id"),
    *("transaction_id", "first_name", "last_name", "process", "outcome", "payment_amount"),
    *("1_abroad_for_more_than_one_month", "2_other_income", "3_caring_responsibilities"),
]
MANAGED = [*SECURE[:11], "postcode", *SECURE[11:]]
TABLES = {
    ("uc_dw_auditlog", "auditlog_raw", "date_str"): ["val"],
    ("uc_dw_auditlog", "auditlog_managed", "date_str"): MANAGED,
    ("uc", "auditlog_sec_v", "date_str"): SECURE,
    ("uc", "auditlog_red_v", "date_str"): RED,
    ("uc_equality", "equality_managed", "load_date"): [
        *("type", "claimantid", "ethnicgroup", "ethnicitysubgroup", "sexualorientation", "religion", "maritalstatus"),
    ],
}


@pytest.mark.parametrize("place", TABLES, ids=lambda place: place[1])
def test_a_table_has_its_columns_and_its_partition_column(published, spark, place):
    database, table, partition_column = place
    assert spark.table(f"{database}.{table}").columns == [*TABLES[place], partition_column]


@pytest.mark.parametrize("place", TABLES, ids=lambda place: place[1])
def test_its_files_have_the_columns_too(published, stack, place):
    database, table, _ = place
    (pointer,) = published.world.platform.catalog.pointers(database, table, [DAYS[0].isoformat()]).values()
    assert read_files(stack, pointer.location).column_names == TABLES[place]


def test_further_tables_hold_what_the_documents_say(published, spark):
    rows = spark.sql(
        "SELECT count(*) AS n, count_if(m.first_name = get_json_object(r.val, '$.FIRST_NAME')) AS same"
        " FROM uc_dw_auditlog.auditlog_raw r JOIN uc.auditlog_sec_v m ON m.date_str = r.date_str"
        f" AND m.audit_id = get_json_object(r.val, '$.AUDIT_ID') WHERE r.date_str = '{DAYS[0]}'"
    ).collect()
    truth = published.truth(INCREMENTAL, DAYS[0]).of("data.businessAudit")
    assert [tuple(row) for row in rows] == [(truth.rows, truth.rows)]


def test_a_second_run_over_published_days_does_not_double_rows(published, session_engine, stack):
    world, day = published.world, DAYS[0]
    names = ["data/businessAudit", "data/equality"]
    run = world.materialize(INCREMENTAL, names, [day], session_engine, force=True)
    assert run.published() == {(name, day.isoformat()) for name in names}
    truth = published.truth(INCREMENTAL, day)
    for database, table, _ in TABLES:
        collection = "data/equality" if table == "equality_managed" else "data/businessAudit"
        (pointer,) = world.platform.catalog.pointers(database, table, [day.isoformat()]).values()
        assert pointer.attempt == run.event(collection, day).metadata["attempt"].value
        assert read_files(stack, pointer.location).num_rows == truth.of(collection.replace("/", ".")).rows
