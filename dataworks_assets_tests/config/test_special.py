"""The special collections are data: these tests say what downstream systems rely on."""

import pytest

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.naming import SnapshotType
from spark.contract import Layout


@pytest.fixture(scope="module")
def built():
    return load_settings("local", environment=Environment()).built(SnapshotType.INCREMENTAL)


@pytest.fixture(scope="module")
def audit(built):
    return {f"{table.database}.{table.name}": table for table in built["data/businessAudit"].tables}


def test_the_audit_fills_four_tables(audit):
    assert list(audit) == [
        "uc_dw_auditlog.auditlog_raw",
        "uc_dw_auditlog.auditlog_managed",
        "uc.auditlog_sec_v",
        "uc.auditlog_red_v",
    ]


def test_the_audits_tables_are_partitioned_by_date_str_without_a_newest(audit):
    assert {(table.partition_column, table.newest) for table in audit.values()} == {("date_str", None)}


def test_the_audits_text_is_a_table_of_its_own(audit):
    assert audit["uc_dw_auditlog.auditlog_raw"].layout is Layout.TEXT


def test_the_managed_columns_are_all_strings_and_some_begin_with_a_digit(audit):
    columns = audit["uc_dw_auditlog.auditlog_managed"].columns
    assert {column.type for column in columns} == {"string"}
    assert "1_abroad_for_more_than_one_month" in [column.name for column in columns]


@pytest.mark.parametrize("name", ["uc.auditlog_sec_v", "uc.auditlog_red_v"])
def test_the_secure_and_the_redacted_table_hold_managed_columns(audit, name):
    managed = audit["uc_dw_auditlog.auditlog_managed"].columns
    assert set(audit[name].columns) < set(managed)


def test_the_redacted_table_holds_no_names(audit):
    assert not {"first_name", "last_name", "postcode", "citizen_id"} & {
        column.name for column in audit["uc.auditlog_red_v"].columns
    }


def test_each_of_the_audits_tables_has_tags_of_its_own(audit):
    assert len({table.tags["table"] for table in audit.values()}) == 4


def test_the_audit_has_no_ids_and_its_own_time(built):
    collection = built["data/businessAudit"]
    assert (collection.id_path, collection.timestamp_path, collection.unique_ids) == (None, ("TIME_STAMP",), False)


def test_equality_has_its_columns_out_of_the_inner_message(built):
    table = built["data/equality"].tables[0]
    assert (table.database, table.name, table.partition_column) == ("uc_equality", "equality_managed", "load_date")
    assert {column.name: column.path for column in table.columns} == {
        "type": ("message", "@type"),
        "claimantid": ("message", "claimantId"),
        "ethnicgroup": ("message", "ethnicGroup"),
        "ethnicitysubgroup": ("message", "ethnicitySubgroup"),
        "sexualorientation": ("message", "sexualOrientation"),
        "religion": ("message", "religion"),
        "maritalstatus": ("message", "maritalStatus"),
    }


def test_equalitys_id_and_time_are_inside_the_message(built):
    collection = built["data/equality"]
    assert (collection.id_path, collection.timestamp_path) == (("message", "_id"), ("message", "_lastModifiedDateTime"))


def test_special_collections_are_incremental_only():
    full = load_settings("local", environment=Environment()).of(SnapshotType.FULL)
    assert not {"data/businessAudit", "data/equality"} & set(full)
