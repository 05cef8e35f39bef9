import json

import pytest

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.secrets import secrets_manager
from dataworks_assets.config.services import AwsConfig
from spark.errors import ConfigurationError, StackError

SECRETS = "collections: {secrets: {full: fulls, incremental: incrementals}}\n"


@pytest.fixture
def load_with(folder):
    def loaded(fulls, incrementals, files="collections: {}\n"):
        path = folder / "deployments" / "bare.yaml"
        path.write_text(path.read_text() + SECRETS)
        (folder / "collections" / "mine.yaml").write_text(files)
        texts = {"fulls": json.dumps({"collections_all": fulls}), "incrementals": json.dumps({"collections_all": incrementals})}
        return load_settings("bare", environment=Environment(config_folder=folder), read_secret=texts.__getitem__)

    return loaded


def test_a_secrets_topics_are_collections_with_its_tags(load_with):
    settings = load_with({"db.core.a": {"pii": "true"}}, {"db.core.b": {"pii": "false"}})
    assert settings.of(SnapshotType.FULL)["core/a"].tags == {"pii": "true"}
    assert list(settings.of(SnapshotType.INCREMENTAL)) == ["core/b"]


def test_a_topic_may_have_other_tags_in_either(load_with):
    settings = load_with({"db.core.a": {"pii": "true"}}, {"db.core.a": {"pii": "false"}})
    assert settings.of(SnapshotType.FULL)["core/a"].tags["pii"] == "true"
    assert settings.of(SnapshotType.INCREMENTAL)["core/a"].tags["pii"] == "false"


def test_a_topic_without_tags_fails_closed(load_with):
    settings = load_with({"db.core.a": {}}, {})
    assert settings.built(SnapshotType.FULL)["core/a"].tables[0].tags["collection_tag"] == "NOT_SET"


def test_a_file_says_how_a_topic_of_a_secret_looks(load_with):
    files = "collections:\n  db.core.a: {layout: typed, columns: [x], tags: {pii: 'true'}, snapshot_types: [full]}\n"
    config = load_with({"db.core.a": {"pii": "false"}}, {}, files).of(SnapshotType.FULL)["core/a"]
    assert (config.layout, config.tags) == ("typed", {"pii": "false"})


def test_a_secret_of_one_snapshot_type_leaves_the_other_as_the_file_has_it(load_with):
    settings = load_with({"db.core.a": {"pii": "false"}}, {}, "collections:\n  db.core.a: {tags: {pii: 'true'}}\n")
    assert settings.of(SnapshotType.INCREMENTAL)["core/a"].tags == {"pii": "true"}


def test_what_only_a_file_has_is_configured_too(load_with):
    assert "core/b" in load_with({"db.core.a": {}}, {}, "collections:\n  db.core.b:\n").of(SnapshotType.FULL)


def test_a_bad_topic_of_a_secret_is_refused_by_name(load_with):
    with pytest.raises(ConfigurationError, match="secret fulls, nonsense"):
        load_with({"nonsense": {}}, {})


def test_a_secret_of_another_shape_is_refused_without_its_text(folder):
    path = folder / "deployments" / "bare.yaml"
    path.write_text(path.read_text() + SECRETS)
    with pytest.raises(ConfigurationError, match="secret fulls: the secret has not the expected shape") as refused:
        load_settings("bare", environment=Environment(config_folder=folder), read_secret=lambda _: '{"password": "canary"}')
    assert "canary" not in str(refused.value)


def test_a_secret_of_the_stack_says_how_to_start_it():
    with pytest.raises(StackError, match="dataworks stack up"):
        secrets_manager(lambda: AwsConfig(endpoint="embedded"))("fulls")


def test_a_secret_is_read_where_the_opened_deployment_has_it(folder, monkeypatch):
    path = folder / "deployments" / "bare.yaml"
    path.write_text(path.read_text() + "aws: {endpoint: embedded}\n" + SECRETS)
    asked = []

    class Secrets:
        def get_secret_value(self, *, SecretId):  # noqa: N803 - boto3's name
            return {"SecretString": json.dumps({"collections_all": {f"db.core.{SecretId}": {"pii": "true"}}})}

    def client(_service, *, region_name, endpoint_url):
        asked.append((region_name, endpoint_url))
        return Secrets()

    def opened(deployment, _environment):
        return deployment.model_copy(update={"aws": AwsConfig(endpoint="http://127.0.0.1:5")})

    monkeypatch.setattr("boto3.client", client)
    settings = load_settings("bare", environment=Environment(config_folder=folder), opened=opened)
    assert list(settings.of(SnapshotType.FULL)) == ["core/fulls"]
    assert asked == [("eu-west-2", "http://127.0.0.1:5")] * 2
