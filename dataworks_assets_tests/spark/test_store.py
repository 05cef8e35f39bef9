"""The object store's edge: every error one of ours, every page read, no stranger hides the others."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from obstore.store import MemoryStore

import spark.store
from dataworks_assets.stack.state import OUTPUT_BUCKET
from spark.contract import Role, RoleChain, StoreSettings
from spark.errors import AccessError, ConfigurationError, ConflictError, InputChangedError, NotFoundError, StoreError
from spark.store import ObjectStore, split_uri
from spark.store_clients import SessionEndedError, boto_errors

LINES = b"the same line again and again\n" * 100_000


@pytest.fixture
def store() -> ObjectStore:
    """An empty store in memory."""
    return ObjectStore.in_memory()


def test_an_address_has_a_bucket_and_a_key():
    assert split_uri("s3://bucket/a/b") == ("bucket", "a/b")


def test_what_is_no_address_is_refused():
    with pytest.raises(ConfigurationError, match="not an object URI"):
        split_uri("bucket/a")


def test_metadata_travels_with_the_object(store):
    store.put("memory://b/x", b"1", metadata={"iv": "abc"}, tags={"pii": "true"})
    assert store.metadata("memory://b/x") == {"iv": "abc"}


@pytest.mark.parametrize("write", ["put", "writer"])
def test_an_object_is_stored_as_it_is_not_as_text_to_be_compressed(stack, prefix_uri, write):
    store, uri = ObjectStore(StoreSettings(endpoint_url=stack.s3_endpoint)), f"{prefix_uri}/lines.csv"
    before = stored_bytes(stack)
    if write == "put":
        store.put(uri, LINES)
    else:
        with store.writer(uri) as writer:
            writer.write(LINES)
    assert stored_bytes(stack) - before >= len(LINES)
    bucket, key = split_uri(uri)
    head = boto3.client("s3", endpoint_url=stack.s3_endpoint).head_object(Bucket=bucket, Key=key)
    assert head["ContentType"] == "binary/octet-stream"


def stored_bytes(stack) -> int:
    return sum(path.stat().st_size for path in stack.home.rglob("*.dat"))


def test_what_is_not_there_is_not_found(store):
    with pytest.raises(NotFoundError, match="memory://b/x"):
        store.read("memory://b/x")


def test_a_creation_over_something_conflicts(store):
    store.put("memory://b/x", b"1")
    with pytest.raises(ConflictError):
        store.put("memory://b/x", b"2", create=True)


def test_a_replacement_of_another_version_conflicts(store):
    stale = store.put("memory://b/x", b"1")
    store.put("memory://b/x", b"2")
    with pytest.raises(ConflictError):
        store.put("memory://b/x", b"3", replace=stale)


def test_an_object_that_was_replaced_is_not_read(store):
    stale = store.put("memory://b/x", b"1")
    store.put("memory://b/x", b"2")
    with pytest.raises(InputChangedError):
        list(store.stream("memory://b/x", etag=stale))


def test_a_listing_goes_over_every_page(store):
    for number in range(2_001):
        store.put(f"memory://b/many/{number:05d}", b"")
    assert len(list(store.list("memory://b/many"))) == 2_001


def test_a_name_that_begins_alike_is_another_folder(store):
    store.put("memory://b/day/x", b"")
    store.put("memory://b/day-before/x", b"")
    assert [listed.uri for listed in store.list("memory://b/day")] == ["memory://b/day/x"]


def test_a_key_that_is_no_path_hides_no_other(stack):
    endpoint = stack.aws_endpoint  # moto's S3 keeps every key as it is
    client = boto3.client("s3", endpoint_url=endpoint, region_name=stack.region)
    client.create_bucket(Bucket="odd-keys", CreateBucketConfiguration={"LocationConstraint": stack.region})
    keys = ["day/a", "day/b//c", "day/d"]
    for key in keys:
        client.put_object(Bucket="odd-keys", Key=key, Body=b"1")
    found = ObjectStore(StoreSettings(endpoint_url=endpoint, region=stack.region)).list("s3://odd-keys/day")
    assert sorted(split_uri(listed.uri)[1] for listed in found) == keys


def test_a_bucket_that_is_not_there_is_neither_an_empty_listing_nor_worth_a_retry(stack):
    store = ObjectStore(StoreSettings(endpoint_url=stack.s3_endpoint, region=stack.region))
    with pytest.raises(StoreError, match="there is no bucket 'not-there'") as raised:
        list(store.list("s3://not-there/day"))
    assert type(raised.value) is StoreError
    assert not raised.value.transient


def refused_by_s3(code, status):
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "ListObjectsV2")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (refused_by_s3("AccessDenied", 403), AccessError, "s3://b/day: access refused. Give this role the right"),
        (refused_by_s3("ExpiredToken", 400), SessionEndedError, "the session has ended before its time"),
        (refused_by_s3("NoSuchBucket", 404), StoreError, "there is no bucket 'b'. Correct the bucket's name"),
        (refused_by_s3("SlowDown", 503), StoreError, "SlowDown.* Retry"),
        (NoCredentialsError(), AccessError, "no credentials. Give this process credentials"),
        (EndpointConnectionError(endpoint_url="http://s3.example"), StoreError, "s3.example.* Retry"),
    ],
)
def test_a_listing_by_boto3_says_what_one_by_obstore_would(error, kind, said):
    with pytest.raises(kind, match=said) as raised, boto_errors("s3://b/day", None):
        raise error
    assert type(raised.value) is kind


def test_a_refusal_of_boto3_names_the_role_that_was_refused():
    chain = RoleChain(roles=(Role(arn="arn:aws:iam::1:role/theirs"),), session_name="run")
    with (
        pytest.raises(AccessError, match="access refused to the role arn:aws:iam::1:role/theirs"),
        boto_errors("s3://b/d", chain),
    ):
        raise refused_by_s3("AccessDenied", 403)


def test_threads_that_ask_at_once_share_one_client(monkeypatch):
    made = []

    def make_slowly(bucket, settings):
        made.append(bucket)
        time.sleep(0.02)
        return MemoryStore()

    monkeypatch.setattr(spark.store, "make_client", make_slowly)
    store = ObjectStore.in_memory()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.put(f"memory://b/{number}", b"1"), range(8)))
    assert made == ["b"]
    assert len(list(store.list("memory://b"))) == 8


def test_the_configured_endpoint_goes_before_the_environments(stack, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    store = ObjectStore(StoreSettings(endpoint_url=stack.s3_endpoint))
    assert store.put(f"s3://{OUTPUT_BUCKET}/endpoint/x", b"1")
