from pathlib import Path

import pytest

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.naming import SnapshotType
from spark.errors import ConfigurationError


def test_an_entry_is_a_collection(load):
    settings = load("collections:\n  db.core.a:\n")
    assert list(settings.of(SnapshotType.FULL)) == ["core/a"]


def test_defaults_fill_in_what_an_entry_does_not_say(load):
    one, other = load(
        "defaults: {text_column: val}\ncollections:\n  db.core.a: {}\n  db.core.b: {text_column: body}\n"
    ).collections
    assert (one.text_column, other.text_column) == ("val", "body")


def test_an_empty_file_has_no_collections(load):
    assert load("").collections == ()


def test_an_unknown_key_is_refused_with_line_and_nearest_name(refuse, folder):
    said = refuse("collections:\n  db.core.a:\n    layuot: raw\n")
    assert said == f"{folder}/collections/mine.yaml:3: unknown key 'layuot'. Did you mean 'layout'?"


def test_an_unknown_key_far_from_all_names_them_all(refuse):
    assert "Use one of: collections, defaults" in refuse("zzz: 1\n")


def test_an_unknown_key_deep_inside_has_its_own_line(refuse):
    said = refuse("collections:\n  db.core.a:\n    layout: typed\n    columns:\n      - a\n      - name: b\n        pth: x\n")
    assert "mine.yaml:7: unknown key 'pth'. Did you mean 'path'?" in said


def test_an_unknown_key_of_the_defaults_is_told_once_at_its_line(refuse):
    said = refuse("defaults:\n  ownrs: []\ncollections:\n  db.core.a:\n  db.core.b:\n")
    assert said.count("ownrs") == 1
    assert "mine.yaml:2" in said


def test_all_that_is_wrong_is_told_at_once(refuse):
    said = refuse(
        "collections:\n  db.core.a: {layout: fancy}\n  nonsense: {}\n  db.core.b: {owners: [me], quarantine_share: 2}\n"
    )
    assert said.startswith("4 things are wrong with the configuration:")


def test_one_item_that_is_wrong_is_not_called_too_few(refuse):
    said = refuse("collections:\n  db.core.a: {snapshot_types: [fulll]}\n")
    assert "at least 1 item" not in said
    assert "snapshot_types.0" in said


def test_problems_come_in_the_order_of_their_lines(refuse):
    said = refuse("collections:\n  db.core.b: {layout: fancy}\n  db.core.a: {layout: fancy}\n")
    assert said.index("mine.yaml:2") < said.index("mine.yaml:3")


def test_a_column_that_is_there_twice_is_refused_at_its_line(refuse):
    said = refuse("collections:\n  db.core.a:\n    layout: typed\n    columns:\n      - a\n      - b\n      - a\n")
    assert "mine.yaml:7: columns: the column 'a' is there 2 times" in said


def test_a_column_named_as_a_standard_one_is_refused_at_its_line(refuse):
    said = refuse("collections:\n  db.core.a:\n    layout: typed\n    columns:\n      - a\n      - created\n")
    assert "mine.yaml:6: the column 'created' has the name of one that every typed table has" in said


def test_a_type_that_does_not_parse_is_refused_with_its_place(refuse):
    said = refuse("collections:\n  db.core.a:\n    layout: typed\n    columns: [{name: a, type: 'array<int'}]\n")
    assert "mine.yaml:4: columns.0.type: the type does not parse: type 'array<int'" in said


def test_a_tag_that_yaml_reads_as_a_truth_value_is_explained(refuse):
    said = refuse("collections:\n  db.core.a:\n    tags: {pii: true}\n")
    assert "tags.pii: True is no text: put it in quotes" in said


def test_a_topic_that_is_there_twice_in_a_file_is_refused(refuse):
    said = refuse("collections:\n  db.core.a:\n  db.core.a:\n")
    assert "mine.yaml:3: the key 'db.core.a' is there twice, first in line 2" in said


def test_yaml_that_does_not_parse_is_refused_with_its_line(refuse):
    assert "mine.yaml:2: no YAML" in refuse("collections:\n  db.core.a: {]}\n")


@pytest.mark.parametrize("value", ["2026-02-30", "2026-13-01", "0x_"])
def test_a_value_that_only_looks_like_a_date_or_a_number_is_refused_with_its_line(refuse, value):
    said = refuse(f"collections:\n  db.core.a:\n    first_day: {value}\n")
    assert f"mine.yaml:3: no YAML: {value!r} looks like a" in said


def test_a_file_in_another_encoding_is_refused(folder):
    (folder / "collections" / "mine.yaml").write_bytes(b"collections:\n  db.core.a: {description: caf\xe9}\n")
    with pytest.raises(ConfigurationError, match="not UTF-8 from byte"):
        load_settings("bare", environment=Environment(config_folder=folder))


def test_an_entry_that_is_no_mapping_is_refused(refuse):
    assert "the collection db.core.a is no mapping" in refuse("collections:\n  db.core.a: raw\n")


def test_a_list_of_collections_is_refused(refuse):
    assert "collections is no mapping" in refuse("collections: [db.core.a]\n")


def test_the_topic_is_not_said_again(refuse):
    assert "the topic is the entry's key" in refuse("collections:\n  db.core.a: {topic: db.core.a}\n")


def test_names_that_fold_to_one_table_are_refused_both_named(refuse):
    said = refuse("collections:\n  db.core.toDo:\n  db.core.todo:\n")
    assert "mine.yaml:3: db.core.todo and db.core.toDo" in said
    assert "mine.yaml:2" in said


def test_an_unknown_deployment_is_refused_with_the_nearest(folder):
    with pytest.raises(ConfigurationError, match="Did you mean 'bare'"):
        load_settings("barr", environment=Environment(config_folder=folder))


def test_a_deployment_has_its_files_name(folder):
    (folder / "deployments" / "other.yaml").write_text((folder / "deployments" / "bare.yaml").read_text())
    with pytest.raises(ConfigurationError, match="is not its file's name"):
        load_settings("other", environment=Environment(config_folder=folder))


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="DATAWORKS_CONFIG names no folder"):
        load_settings("local", environment=Environment(config_folder=tmp_path / "nowhere"))


def test_a_folder_of_which_nothing_would_be_read_is_refused(tmp_path):
    (tmp_path / "colections").mkdir()
    with pytest.raises(ConfigurationError, match="neither collections/ nor deployments/"):
        load_settings("local", environment=Environment(config_folder=tmp_path))


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("owners: a@b.c", "owners: 'a@b.c' is no list: write [first, second]"),
        ("tags:", "tags: None is no mapping: write {name: value}"),
        ("newest: nope", "newest: 'nope' is neither true nor false"),
        ("snapshot_types: []", "snapshot_types: at least one entry is needed"),
    ],
)
def test_a_value_of_another_shape_is_told_in_yamls_words(refuse, field, said):
    assert said in refuse(f"collections:\n  db.core.a:\n    {field}\n")


def test_an_unknown_key_of_a_deployment_is_refused_with_line_and_nearest_name(folder):
    path = folder / "deployments" / "bare.yaml"
    path.write_text(path.read_text().replace("store: {scheme: memory}", "store:\n  endpiont: x"))
    with pytest.raises(ConfigurationError, match=r"bare.yaml:4: unknown key 'endpiont'. Did you mean 'endpoint'"):
        load_settings("bare", environment=Environment(config_folder=folder))


def test_a_file_that_is_not_there_is_refused_at_its_line(folder):
    path = folder / "deployments" / "bare.yaml"
    path.write_text(path.read_text() + "collections: {files: [collections/none.yaml]}\n")
    with pytest.raises(ConfigurationError, match=r"bare.yaml:8: there is no file 'collections/none.yaml'"):
        load_settings("bare", environment=Environment(config_folder=folder))


def test_an_unknown_option_is_refused_with_the_nearest():
    with pytest.raises(ConfigurationError, match="Did you mean 'bad_input'"):
        load_settings("local", environment=Environment(options=("bad_inputs",)))


def test_an_option_adds_its_collections():
    plain = load_settings("local", environment=Environment())
    bad = load_settings("local", environment=Environment(options=("bad_input",)))
    assert {config.names.database for config in bad.collections} - {config.names.database for config in plain.collections} == {
        "broken"
    }


def test_the_sample_has_at_least_twelve_collections_over_several_databases():
    settings = load_settings("local", environment=Environment())
    assert len(settings.collections) >= 12
    assert {"core", "penalties-and-deductions", "transport", "data"} <= {
        config.names.database for config in settings.collections
    }


def test_what_is_told_of_a_collection_that_is_not_configured(load):
    settings = load("collections:\n  db.core.statement:\n")
    with pytest.raises(
        ConfigurationError, match=r"no full collection 'core/statment' is configured. Did you mean 'core/statement'"
    ):
        settings.collection("core/statment", SnapshotType.FULL)


def test_no_yaml_of_the_package_names_a_machine():
    root = Path(load_settings.__code__.co_filename).parent
    assert not [path for path in root.rglob("*.yaml") if "127.0.0.1" in path.read_text()]
