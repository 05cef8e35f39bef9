import boto3
import msgspec
import pytest

from dataworks_assets_tests.spark.publish.world import AUDIT, STATEMENT
from spark.contract import StoreSettings
from spark.errors import AccessError, StoreError
from spark.publish.state import published_state
from spark.publish.tagging import Tagger, has_other_tags, s3_put_tags

DAY = "2026-11-20"


def with_tags(collection, **tags):
    tables = tuple(msgspec.structs.replace(table, tags=table.tags | tags) for table in collection.tables)
    return msgspec.structs.replace(collection, tables=tables)


class Tags(dict):
    """What was put, by URI."""

    def __call__(self, uri, tags):
        self[uri] = tags


@pytest.fixture
def put():
    return Tags()


@pytest.fixture
def retag(lake, put):
    def call(collection):
        run = lake.run("tagger")
        (lease,) = run.acquire(collection, DAY)
        tagger = Tagger(lake.catalog, lake.store, leases=run.leases, tables=run.publisher.tables, put_tags=put)
        return tagger.retag_many([(collection, DAY, lease)])[0]

    return call


def published(lake, collection):
    return published_state(lake.catalog, collection, [DAY])[DAY]


def test_files_with_the_configured_tags_are_known_as_such(lake):
    lake.run("run-1").publish(STATEMENT, DAY)
    assert not has_other_tags(STATEMENT, published(lake, STATEMENT))
    assert has_other_tags(with_tags(STATEMENT, pii="false"), published(lake, STATEMENT))


def test_a_changed_tag_of_any_table_shows(lake):
    lake.run("run-1").publish(AUDIT, DAY)
    last = msgspec.structs.replace(AUDIT.tables[2], tags={"table": "other"})
    changed = msgspec.structs.replace(AUDIT, tables=(*AUDIT.tables[:2], last))
    assert has_other_tags(changed, published(lake, AUDIT))


def test_every_object_gets_its_own_tables_tags(lake, retag, put):
    run = lake.run("run-1")
    (outcome,) = run.publish(AUDIT, DAY, quarantined=1)
    result = retag(with_tags(AUDIT, pii="false"))
    assert (result.error, result.objects) == (None, 8)
    location = outcome.pointers[1].pointer.location
    assert put[f"{location}/part-0.parquet"] == put[f"{location}/_manifest.json"] == {"table": "sec_v", "pii": "false"}


def test_afterwards_the_catalog_knows_and_shows_the_same_files(lake, retag):
    (outcome,) = lake.run("run-1").publish(STATEMENT, DAY)
    changed = with_tags(STATEMENT, pii="false")
    retag(changed)
    pointer = published(lake, changed)
    assert not has_other_tags(changed, pointer)
    assert pointer.location == outcome.pointers[0].pointer.location
    assert lake.catalog.newest("adg", "core_statement").tags_hash == pointer.tags_hash


def test_a_failure_leaves_the_old_hash_so_that_the_next_run_tries_again(lake, retag, put, monkeypatch):
    lake.run("run-1").publish(STATEMENT, DAY)

    def refuse(self, uri, tags):
        raise AccessError("refused", where=uri)

    monkeypatch.setattr(Tags, "__call__", refuse)
    changed = with_tags(STATEMENT, pii="false")
    assert isinstance(retag(changed).error, AccessError)
    assert has_other_tags(changed, published(lake, changed))


def test_more_than_a_thousand_objects_are_tagged(lake, retag, put):
    (outcome,) = lake.run("run-1").publish(STATEMENT, DAY)
    for number in range(1200):
        lake.store.put(f"{outcome.pointers[0].pointer.location}/part-{number}.parquet", b"x")
    assert retag(with_tags(STATEMENT, pii="false")).objects == 1201
    assert len(put) == 1201


def test_tags_on_s3_are_replaced(stack, prefix_uri):
    settings = StoreSettings(endpoint_url=stack.s3_endpoint)
    bucket, _, key = prefix_uri.removeprefix("s3://").partition("/")
    client = boto3.client("s3")
    client.put_object(Bucket=bucket, Key=key, Body=b"body", Tagging="pii=true&db=core")
    s3_put_tags(settings)(prefix_uri, {"pii": "false", "collection_tag": "NOT_SET"})
    tags = {tag["Key"]: tag["Value"] for tag in client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]}
    assert tags == {"pii": "false", "collection_tag": "NOT_SET"}
    assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"body"


def test_an_object_that_is_gone_is_an_error(stack, prefix_uri):
    with pytest.raises(StoreError, match=prefix_uri):
        s3_put_tags(StoreSettings(endpoint_url=stack.s3_endpoint))(prefix_uri, {"pii": "false"})
