import pytest
from dagster import AssetKey, AssetSpec
from hypothesis import given
from hypothesis import strategies as st

from dataworks_assets.config.naming import (
    SnapshotType,
    asset_fold,
    asset_key,
    dagster_tags,
    group_name,
    hive_fold,
    is_owner,
    split_topic,
    table_name,
)
from spark.errors import ConfigurationError
from spark.sources.names import parse_data_name

LETTER = "abcXYZ"
DATABASES = st.text(LETTER + "-_0", min_size=1, max_size=8).filter(lambda name: name[0] != "-")
PARTS = st.text(LETTER + "_0", max_size=6).flatmap(lambda rest: st.sampled_from(LETTER).map(lambda first: first + rest))
COLLECTIONS = st.one_of(PARTS, st.tuples(PARTS, PARTS).map("-".join))
TOPICS = st.one_of(
    st.tuples(DATABASES, COLLECTIONS).map(lambda names: f"db.{names[0]}.{names[1]}"), COLLECTIONS.map("data.{}".format)
)


def test_a_topic_is_a_database_and_a_collection():
    assert split_topic("db.penalties-and-deductions.sanction") == ("penalties-and-deductions", "sanction")


def test_a_topic_without_db_is_in_the_database_data():
    assert split_topic("data.businessAudit").name == "data/businessAudit"


@pytest.mark.parametrize(
    "text", ["", "core.statement", "db.core", "db.core.a-b-c", "db..x", "db.core.1x", "db.-core.x", "db.core.a b"]
)
def test_what_is_no_topic_is_refused(text):
    with pytest.raises(ConfigurationError, match="is no topic"):
        split_topic(text)


def test_table_names_are_lower_case_with_underscores():
    assert table_name("db.penalties-and-deductions.sanctionType") == "penalties_and_deductions_sanctiontype"


def test_asset_keys_keep_the_names_of_the_producer():
    assert asset_key("adg", SnapshotType.FULL, "db.agent-core.toDo") == ("adg_full", "agent-core", "toDo")


def test_groups_are_by_system_snapshot_type_and_database():
    assert group_name("adg", SnapshotType.INCREMENTAL, "db.agent-core.toDo") == "adg_incremental_agent_core"


@given(TOPICS)
def test_every_topic_that_is_accepted_is_one_that_object_names_can_have(topic):
    split_topic(topic)
    named = parse_data_name(f"{topic}-000-005-000001.txt.gz.enc")
    assert named is not None
    assert named.topic == topic


@given(TOPICS)
def test_every_table_name_is_one_for_hive(topic):
    name = table_name(topic)
    assert name == hive_fold(name)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")


@given(TOPICS, st.sampled_from(SnapshotType))
def test_every_topic_makes_an_asset_that_dagster_accepts(topic, snapshot_type):
    key = asset_key("adg", snapshot_type, topic)
    AssetSpec(AssetKey(key), group_name=group_name("adg", snapshot_type, topic))


@given(TOPICS)
def test_assets_fold_as_dagster_folds_them(topic):
    key = asset_key("adg", SnapshotType.FULL, topic)
    assert asset_fold(key) == AssetKey(key).to_python_identifier()


@given(st.dictionaries(st.text(max_size=80), st.text(max_size=80), max_size=4))
def test_every_tag_is_made_fit_for_dagster(tags):
    AssetSpec("a", tags=dagster_tags(tags))


def test_long_tag_values_stay_two():
    one, other = (dagster_tags({"k": "x" * 70 + end})["k"] for end in "ab")
    assert one != other


def test_tags_that_fit_stay_as_they_are():
    assert dagster_tags({"pii": "true", "db": "agent-core"}) == {"pii": "true", "db": "agent-core"}


@pytest.mark.parametrize("owner", ["team:analytical-data", "a.b@example.org", "team:Data Platform"])
def test_owners_that_dagster_accepts(owner):
    assert is_owner(owner)
    AssetSpec("a", owners=[owner])


@pytest.mark.parametrize("owner", ["", "somebody", "team:", "a@b", "team: "])
def test_texts_that_are_no_owner(owner):
    assert not is_owner(owner)
