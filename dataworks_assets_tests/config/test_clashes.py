from hypothesis import given
from hypothesis import strategies as st

from dataworks_assets.config.clashes import Placed, clashes
from dataworks_assets.config.collections import CollectionConfig
from dataworks_assets.config.naming import table_name


def found(*collections):
    placed = [
        Placed(CollectionConfig.model_validate({"snapshot_types": ["full"], **fields}), f"file:{line}")
        for line, fields in enumerate(collections, 1)
    ]
    return [problem.what for problem in clashes(placed)]


def test_collections_with_names_of_their_own_do_not_clash():
    assert found({"topic": "db.core.a"}, {"topic": "db.core.b"}) == []


def test_names_that_differ_in_case_clash_both_named():
    (problem,) = found({"topic": "db.core.toDo"}, {"topic": "db.core.todo"})
    assert "db.core.todo and db.core.toDo (file:1) both need the table" in problem


def test_names_that_differ_in_hyphen_and_underscore_clash():
    assert len(found({"topic": "db.a-b.c"}, {"topic": "db.a_b.c"})) == 1


def test_databases_and_collections_that_join_to_one_table_clash():
    assert "analytical_dataset_generation.a_b_c" in found({"topic": "db.a.b_c"}, {"topic": "db.a_b.c"})[0]


def test_a_table_of_all_days_clashes_with_a_collection_of_that_name():
    assert len(found({"topic": "db.core.a"}, {"topic": "db.core.a_history"})) == 1


def test_a_quarantine_table_clashes_with_a_collection_of_that_name():
    assert len(found({"topic": "db.core.a"}, {"topic": "db.core.a_quarantine"})) == 1


def test_a_topic_that_is_there_twice_is_told_as_such():
    assert found({"topic": "db.core.a"}, {"topic": "db.core.a"}) == ["db.core.a is configured already in file:1"]


def test_snapshot_types_have_databases_of_their_own():
    assert found({"topic": "db.core.a"}, {"topic": "db.core.a", "snapshot_types": ["incremental"]}) == []


def test_both_snapshot_types_in_one_database_clash():
    (problem,) = found({"topic": "db.core.a", "snapshot_types": ["full", "incremental"], "database": "uc"})
    assert problem == "db.core.a needs the table uc.core_a_history twice"


def test_other_tables_do_not_make_one_asset_of_two():
    assert "asset adg_full__a_b__c" in found({"topic": "db.a-b.c"}, {"topic": "db.a_b.c", "table": "other"})[0]


NAMES = st.text("aAbB-_", min_size=1, max_size=4).filter(
    lambda name: name[0].isalpha() and name[-1] != "-" and "-_" not in name
)
TOPICS = st.builds("db.{}.{}".format, NAMES, NAMES.filter(lambda name: name.count("-") == 0))


@given(st.lists(TOPICS, min_size=2, max_size=5, unique=True))
def test_two_topics_of_one_table_are_never_both_accepted(topics):
    tables = [table_name(topic) for topic in topics]
    if len(set(tables)) < len(tables):
        assert found(*({"topic": topic} for topic in topics))
