from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from dataworks_assets.config.addresses import is_embedded, resolve
from dataworks_assets.config.deployment import Deployment
from dataworks_assets.config.environment import Environment, read_environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.naming import SnapshotType
from spark.errors import StackError

NODES = {"types": ["m7i.xlarge"]}
EMR = {
    "service_role": "emr",
    "instance_profile": "nodes",
    "subnets": ["subnet-1"],
    "key_service_secret": "dks",
    "sizes": {"small": {"primary": NODES, "core": NODES}},
    "work": [{"size": "small"}],
}
STACK = SimpleNamespace(
    s3_endpoint="http://127.0.0.1:1",
    aws_endpoint="http://127.0.0.1:2",
    metastore_uri="thrift://127.0.0.1:3",
    key_service_url="https://127.0.0.1:4",
    ca_path=Path("/home/ca.pem"),
    client_certificate_path=Path("/home/client.pem"),
    client_key_path=Path("/home/client.key"),
    completion_topic_arns={"full": "arn:full", "incremental": "arn:incremental"},
    notice_topic_arn="arn:notices",
    pushgateway_url="http://127.0.0.1:9091",
    ledger_topic_arns={"completion": "arn:completion", "pdm": "arn:pdm"},
    message_queue_url="http://127.0.0.1:2/queue",
)


@pytest.fixture(scope="module")
def local():
    return load_settings("local", environment=Environment()).deployment


def bare(**fields):
    least = {
        "name": "bare",
        "environment": "development",
        "buckets": {"input": "input", "manifests": "manifests", "output": "output", "logs": "logs"},
        "key_service": {"url": "https://localhost:1"},
        "catalog": {"uri": "thrift://localhost:1"},
        "exports": {"first_day": "2026-11-01"},
    }
    return Deployment.model_validate({**least, **fields})


@pytest.mark.parametrize("service", ["store", "key_service", "catalog"])
def test_an_address_of_the_stack_that_is_down_says_how_to_start_it(local, service):
    with pytest.raises(StackError, match="dataworks stack up"):
        getattr(local, service).settings()


def test_the_running_stacks_addresses_are_filled_in(local):
    resolved = resolve(local, STACK)
    assert resolved.store.settings().endpoint_url == STACK.s3_endpoint
    assert resolved.catalog.settings().uri == STACK.metastore_uri
    assert resolved.aws.endpoint_url() == STACK.aws_endpoint
    assert not is_embedded(resolved)


def test_a_glue_catalog_is_aws_own_or_the_stacks():
    of_aws = bare(catalog={"kind": "glue", "catalog_id": "000000000001"}).catalog.settings()
    assert (of_aws.kind, of_aws.uri, of_aws.region, of_aws.catalog_id) == ("glue", "", "eu-west-2", "000000000001")
    embedded = bare(catalog={"kind": "glue", "uri": "embedded"})
    assert resolve(embedded, STACK).catalog.settings().uri == STACK.aws_endpoint


def test_a_metastore_without_an_address_is_refused():
    with pytest.raises(ValidationError, match="a Hive metastore has an address"):
        bare(catalog={"kind": "hive"})


def test_the_stacks_certificates_are_filled_in_as_texts(local):
    settings = resolve(local, STACK).key_service.settings()
    assert (settings.url, settings.ca_path, settings.certificate_path, settings.private_key_path) == (
        "https://127.0.0.1:4",
        "/home/ca.pem",
        "/home/client.pem",
        "/home/client.key",
    )


def test_the_stacks_topics_and_queue_are_filled_in(local):
    exports = resolve(local, STACK).exports
    assert (exports.of(SnapshotType.FULL).topic, exports.queue) == ("arn:full", "http://127.0.0.1:2/queue")


def test_the_stacks_topic_of_notices_is_filled_in(local):
    assert resolve(local, STACK).notices.topic_arn() == "arn:notices"


def test_the_topic_of_notices_of_a_stack_that_is_down_says_how_to_start_it(local):
    with pytest.raises(StackError, match="dataworks stack up"):
        local.notices.topic_arn()


def test_a_stack_that_is_down_leaves_the_addresses_open(local):
    assert resolve(local, None) == local


def test_a_deployment_with_addresses_of_its_own_keeps_them():
    assert resolve(bare(), STACK) == bare()


def test_a_deployment_for_tests_may_be_in_memory():
    assert bare(store={"scheme": "memory"}).store.settings().scheme == "memory"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"environment": "staging"}, "'development', 'qa', 'integration', 'preprod' or 'production'"),
        ({"engine": {"spark_conf": {"spark.hadoop.javax.jdo.option.ConnectionPassword": "x"}}}, "looks like a secret"),
        ({"engine": {"memory": "lots"}}, "String should match"),
        ({"prefixes": {"data": "data/{date}"}}, "unknown field {date}"),
        ({"prefixes": {"data": "data/{export_date"}}, "is no template"),
        ({"prefixes": {"output": "/out/"}}, "begins or ends with a slash"),
        ({"exports": {"first_day": "2026-11-01", "full": {"schedule": "daily"}}}, "is no schedule"),
        ({"retention": {"garbage_hours": 2}}, "must be longer than engine.timeout_seconds"),
        ({"engine": {"kind": "emr"}}, "it belongs to `kind: emr`"),
        ({"engine": {"kind": "emr", "emr": EMR}}, "nodes get the certificates there"),
        ({"buckets": {"input": "X", "manifests": "manifests", "output": "output", "logs": "logs"}}, "String should match"),
        ({"output": {"timestamps": "int32"}}, "'int96' or 'int64'"),
    ],
)
def test_what_cannot_be_is_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        bare(**fields)


def test_a_secret_in_spark_conf_is_not_repeated_in_the_error():
    with pytest.raises(ValidationError) as refused:
        bare(engine={"spark_conf": {"spark.some.password": "canary"}})
    assert "canary" not in str(refused.value)


def test_the_example_for_aws_is_a_deployment_without_the_stack():
    settings = load_settings("aws", environment=Environment(), read_secret=lambda _: '{"collections_all": {}}')
    assert not is_embedded(settings.deployment)
    assert settings.deployment.environment == "production"


def test_the_environment_is_read_with_defaults():
    said = read_environment({})
    assert (said.deployment, said.home.name, said.config_folder, said.options) == ("local", ".dataworks", None, ())


def test_the_environment_says_all(tmp_path):
    said = read_environment(
        {
            "DATAWORKS_DEPLOYMENT": "aws",
            "DATAWORKS_HOME": str(tmp_path),
            "DATAWORKS_CONFIG": str(tmp_path),
            "DATAWORKS_OPTIONS": "a, b,",
        }
    )
    assert said == Environment("aws", tmp_path, tmp_path, ("a", "b"))
