"""Rows of the status tables in an emulated DynamoDB: their names and values, what others wrote, what comes twice or late."""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws
from msgspec.structs import replace

from dataworks_assets.config.ledger import LedgerConfig, ProductConfig
from dataworks_assets.infrastructure.names import TABLE_KEYS
from dataworks_assets.ledger.dynamo import CONNECTIONS, DynamoTables
from dataworks_assets.ledger.entries import DayEntry, RunEntry
from dataworks_assets.ledger.rows import CollectionStatus, DayStatus, Rows, Step
from dataworks_assets.stack import aws_server

STATUS, COLLECTIONS = "data_pipeline_metadata", "UCExportToCrownStatus"
ROWS = Rows(LedgerConfig(status_table=STATUS, collection_table=COLLECTIONS), ProductConfig())
DAY = DayEntry(
    date="2026-11-20",
    correlation_id="c-1",
    source_prefix="businessdata/mongo/ucdata/2026-11-20/full",
    output_prefix="analytical-dataset/full/2026-11-20",
    asked=("core/statement",),
)
ENTRY = RunEntry(
    run_id="run-1",
    system="adg_full",
    kind="full",
    product="ADG-full",
    started_utc=datetime(2026, 11, 20, 9, tzinfo=UTC),
    expires_epoch=1_000,
    cluster_id="j-1",
    days=(DAY,),
)
LATER = replace(ENTRY, run_id="run-2", cluster_id="j-2", expires_epoch=2_000)
PART = replace(DAY, is_whole=False)


@pytest.fixture(scope="module")
def client():
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
            patch.delenv(name, raising=False)
        made = boto3.client(
            "dynamodb",
            region_name="eu-west-2",
            aws_access_key_id="x",
            aws_secret_access_key="x",
            config=Config(max_pool_connections=CONNECTIONS),
        )
        yield made


@pytest.fixture
def tables(client):
    aws_server.make_tables(client)
    yield DynamoTables(lambda: client)
    for name in TABLE_KEYS:
        client.delete_table(TableName=name)


def row(tables, correlation_id="c-1", product="ADG-full"):
    found = tables.rows(STATUS, key=("Correlation_Id", correlation_id), where={"DataProduct": product})
    return found[0] if found else None


def test_a_started_day_has_the_names_and_values_that_its_readers_know(tables):
    assert tables.write(ROWS.started(ENTRY, DAY)) == []
    assert row(tables) == {
        "Correlation_Id": "c-1",
        "DataProduct": "ADG-full",
        "Date": "2026-11-20",
        "Run_Id": 1,
        "Status": "IN_PROGRESS",
        "CurrentStep": "submit-job",
        "Cluster_Id": "j-1",
        "S3_Prefix_Snapshots": "businessdata/mongo/ucdata/2026-11-20/full",
        "S3_Prefix_Analytical_DataSet": "analytical-dataset/full/2026-11-20",
        "Snapshot_Type": "full",
        "TimeToExist": 1_000,
    }


def test_each_start_counts_once_however_often_it_is_written(tables):
    for entry in (ENTRY, ENTRY, LATER, LATER, ENTRY):
        tables.write(ROWS.started(entry, DAY))
    found = row(tables)
    assert (found["Run_Id"], found["TimeToExist"]) == (2, LATER.expires_epoch)


def test_the_end_of_a_start_that_another_followed_changes_nothing(tables):
    tables.write([*ROWS.started(ENTRY, DAY), *ROWS.started(LATER, DAY)])
    tables.write(ROWS.ended(ENTRY, DAY, DayStatus.FAILED))
    assert row(tables)["Status"] == "IN_PROGRESS"
    tables.write(ROWS.ended(LATER, DAY, DayStatus.COMPLETED))
    assert row(tables)["Status"] == "COMPLETED"


def test_changes_of_one_row_are_made_in_their_order(tables):
    steps = [change for step in (Step.NOTIFY, Step.FLUSH) for change in ROWS.moved_on(ENTRY, DAY, step)]
    tables.write([*ROWS.started(ENTRY, DAY), *steps, *ROWS.ended(ENTRY, DAY, DayStatus.COMPLETED)])
    found = row(tables)
    assert (found["CurrentStep"], found["Status"]) == ("flush-pushgateway", "COMPLETED")


def test_a_row_that_went_in_mid_run_is_whole_again_at_the_next_change(tables):
    tables.write([*ROWS.started(ENTRY, DAY), *ROWS.moved_on(ENTRY, DAY, Step.NOTIFY)])
    before = row(tables)
    tables.delete(STATUS, {name: before[name] for name in ("Correlation_Id", "DataProduct")})
    tables.write(ROWS.moved_on(ENTRY, DAY, Step.NOTIFY))
    assert row(tables) == before


@pytest.mark.parametrize("said", [DayStatus.COMPLETED, DayStatus.FAILED])
def test_a_run_of_some_collections_leaves_what_the_row_says(tables, said):
    tables.write([*ROWS.started(ENTRY, DAY), *ROWS.ended(ENTRY, DAY, said)])
    tables.write([*ROWS.started(LATER, PART), *ROWS.ended(LATER, PART, None)])
    found = row(tables)
    assert (found["Status"], found["Run_Id"]) == (said.name, 2)


def test_a_run_of_some_collections_makes_the_row_where_there_is_none(tables):
    tables.write(ROWS.started(ENTRY, PART))
    assert row(tables)["Status"] == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("status", "value"),
    [
        (CollectionStatus.PROCESSING, "Processing"),
        (CollectionStatus.PUBLISHING, "Publishing"),
        (CollectionStatus.COMPLETED, "Completed"),
        (CollectionStatus.FAILED_PROCESSING, "Failed_Processing"),
        (CollectionStatus.FAILED_PUBLISHING, "Failed_Publishing"),
    ],
)
def test_a_collections_row_keeps_what_its_producer_wrote(client, tables, status, value):
    key = {"CorrelationId": {"S": "c-1"}, "CollectionName": {"S": "db.core.statement"}}
    client.put_item(TableName=COLLECTIONS, Item={**key, "CollectionStatus": {"S": "Received"}, "FilesExported": {"N": "3"}})
    tables.write(ROWS.collection(DAY, "db.core.statement", status))
    assert tables.rows(COLLECTIONS, key=("CorrelationId", "c-1"), where={}) == [
        {
            "CorrelationId": "c-1",
            "CollectionName": "db.core.statement",
            "CollectionStatus": "Received",
            "FilesExported": 3,
            "ADGStatus": value,
        }
    ]


def test_another_system_writes_with_its_own_words(tables):
    names = ProductConfig.model_validate(
        {
            "data_product": "kickstart-{kind}",
            "correlation_id": "kickstart_{kind}_analytical_dataset_generation",
            "statuses": {"running": "In-Progress", "completed": "Completed", "failed": "Failed"},
        }
    )
    rows = Rows(LedgerConfig(status_table=STATUS), names)
    correlation_id = names.default_correlation_id("vacancy", datetime(2026, 11, 20, tzinfo=UTC).date())
    day, entry = replace(DAY, correlation_id=correlation_id), replace(ENTRY, product=names.product("vacancy"))
    tables.write(rows.started(entry, day))
    found = row(tables, "kickstart_vacancy_analytical_dataset_generation", "kickstart-vacancy")
    assert (found["Status"], found["Run_Id"]) == ("In-Progress", 1)
    tables.write(rows.ended(entry, day, DayStatus.FAILED))
    assert row(tables, correlation_id, "kickstart-vacancy")["Status"] == "Failed"


def test_what_cannot_be_written_is_told_and_the_rest_is_written(tables):
    elsewhere = Rows(LedgerConfig(status_table="nowhere"), ProductConfig())
    unwritten = tables.write([*elsewhere.started(ENTRY, DAY), *elsewhere.ended(ENTRY, DAY, DayStatus.FAILED)])
    assert [each.change.table for each in unwritten] == ["nowhere", "nowhere"]
    assert "see that the table is there" in str(unwritten[0].error).lower()
    assert tables.write(ROWS.started(ENTRY, DAY)) == []


def test_without_tables_nothing_is_written():
    none = Rows(LedgerConfig(), ProductConfig())
    assert [*none.started(ENTRY, DAY), *none.collection(DAY, "x", CollectionStatus.COMPLETED)] == []


def test_a_row_that_is_deleted_is_gone(tables):
    tables.write(ROWS.started(ENTRY, DAY))
    tables.delete(STATUS, {"Correlation_Id": "c-1", "DataProduct": "ADG-full"})
    assert row(tables) is None


def test_the_tables_are_made_once_and_expire_rows(client, tables):
    assert aws_server.make_tables(client) == []
    found = client.describe_time_to_live(TableName=STATUS)["TimeToLiveDescription"]
    assert (found["TimeToLiveStatus"], found["AttributeName"]) == ("ENABLED", "TimeToExist")
    with pytest.raises(ClientError):
        client.describe_table(TableName="nowhere")


def test_a_hundred_collections_are_written_at_once(tables):
    changes = [change for n in range(100) for change in ROWS.collection(DAY, f"db.core.c{n}", CollectionStatus.COMPLETED)]
    assert tables.write(changes) == []
    assert len(tables.rows(COLLECTIONS, key=("CorrelationId", "c-1"), where={"ADGStatus": "Completed"})) == 100
