"""Access to data is by the tags of its objects: every published object has its table's, and its snapshot type."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from dataworks_assets_tests.dagster_runs.world import FULL, INCREMENTAL
from spark.publish.tables import quarantine_name
from spark.store import split_uri


@pytest.fixture(scope="module")
def tags(published, stack):
    """The tags of every object below the output, by address."""
    client = boto3.client("s3", endpoint_url=stack.s3_endpoint, region_name=stack.region)
    store = published.world.store

    def of(uri):
        bucket, key = split_uri(uri)
        return {tag["Key"]: tag["Value"] for tag in client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]}

    uris = [item.uri for scope in (FULL, INCREMENTAL) for item in store.list(published.world.scope(scope).output_uri)]
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(uris, pool.map(of, uris), strict=True))


def _configured(world):
    """(snapshot type, database, table) to the tags its objects must have."""
    found = {}
    for snapshot_type in (FULL, INCREMENTAL):
        for scoped in world.scope(snapshot_type).collections.values():
            for table in scoped.job.tables:
                config = scoped.config
                own = next((each.tags for each in config.tables if each.table == table.name), config.tags)
                found[str(snapshot_type), table.database, table.name] = own | {"snapshot_type": str(snapshot_type)}
            main = scoped.job.tables[0]
            found[str(snapshot_type), main.database, quarantine_name(main)] = config.tags | {
                "snapshot_type": str(snapshot_type)
            }
    return found


def test_every_object_of_a_table_has_the_tables_tags(published, tags):
    configured = _configured(published.world)
    wrong = {}
    seen = 0
    for uri, found in tags.items():
        snapshot_type, _, database, table, *rest = [*uri.partition("/analytical-dataset/")[2].split("/"), "", ""]
        if rest[0]:
            seen += 1
            expected = configured[snapshot_type, database, table]
            if found != expected:
                wrong[uri] = found
    assert seen > 150
    assert wrong == {}


def test_tables_of_one_collection_have_tags_of_their_own(tags):
    of_audit = {found["table"]: found["pii"] for found in tags.values() if found.get("table", "").startswith("auditlog")}
    assert of_audit == {
        "auditlog_raw": "true",
        "auditlog_managed": "true",
        "auditlog_sec_v": "true",
        "auditlog_red_v": "false",
    }


def test_nothing_lies_beside_tables_but_a_days_document_and_what_the_next_product_reads(published, tags):
    others = {uri.rpartition("/")[2] for uri in tags if len(uri.partition("/analytical-dataset/")[2].split("/")) < 6}
    assert others == {"_published.json", "adg_params.csv"}
