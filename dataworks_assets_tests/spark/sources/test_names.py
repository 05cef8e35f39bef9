from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.sources.names import ObjectName, parse_data_name, parse_manifest_name


def test_a_data_name_says_topic_slice_and_batch():
    assert parse_data_name("db.core.statement-045-050-000001.txt.gz.enc") == ObjectName("db.core.statement", 45, 50, 1)


def test_a_manifest_name_says_the_same():
    assert parse_manifest_name("db.core.statement-045-050-000001.csv") == ObjectName("db.core.statement", 45, 50, 1)


@pytest.mark.parametrize(
    "topic",
    [
        "db.penalties-and-deductions.sanction",
        "db.accepted-data.personDetails-address",
        "db.agent_core.agentToDo",
        "data.businessAudit",
        "data.equality",
    ],
)
def test_hyphens_belong_to_the_topic(topic):
    assert parse_data_name(f"{topic}-000-255-000012.txt.gz.enc") == ObjectName(topic, 0, 255, 12)


def test_a_topic_that_is_anothers_prefix_stays_apart():
    assert parse_data_name("db.core.toDo-list-000-010-000001.txt.gz.enc").topic == "db.core.toDo-list"
    assert parse_data_name("db.core.toDo-000-010-000001.txt.gz.enc").topic == "db.core.toDo"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "_SUCCESS",
        "readme.txt",
        "db.core.statement.txt.gz.enc",
        "db.core.statement-45-50-1.txt.gz.enc",
        "db.core.statement-045-050-000001.txt.gz",
        "db.core.statement-045-050-000001.txt.gz.enc.tmp",
        "db.core.statement-045-050-000001-045-050-000001.txt.gz.enc",
        "core.statement-045-050-000001.txt.gz.enc",
        "db.core-045-050-000001.txt.gz.enc",
        "db.core.statement-٠٤٥-050-000001.txt.gz.enc",
        "db.core.statement-045-050-000001.txt.gz.enc\n",
    ],
)
def test_anything_else_is_no_data_file(name):
    assert parse_data_name(name) is None


def test_a_manifest_is_no_data_file_and_the_other_way_round():
    assert parse_data_name("db.core.statement-045-050-000001.csv") is None
    assert parse_manifest_name("db.core.statement-045-050-000001.txt.gz.enc") is None


databases = st.from_regex(r"[a-z0-9_][a-z0-9_-]{0,12}", fullmatch=True)
collections = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}(-[A-Za-z]{1,8})?", fullmatch=True)


@given(databases, collections, st.integers(0, 999), st.integers(0, 999), st.integers(0, 999_999))
def test_a_written_name_is_read_back(database, collection, start, end, batch):
    name = ObjectName(f"db.{database}.{collection}", start, end, batch)
    assert parse_data_name(f"{name.stem}.txt.gz.enc") == name
    assert parse_manifest_name(f"{name.stem}.csv") == name
