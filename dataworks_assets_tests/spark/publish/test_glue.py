"""What only Glue does: answers in parts, errors within an answer, quotas of a call, somebody else's change in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from spark.contract import CatalogSettings
from spark.errors import CatalogError
from spark.publish.catalog import Pointer, TableColumn, TableDefinition
from spark.publish.glue import GlueCatalog

LIMITS = {"PartitionInputList": 100, "Entries": 100, "PartitionsToDelete": 25, "PartitionsToGet": 1000}
TABLE = TableDefinition(
    "db", "history", (TableColumn("id", "string"), TableColumn("n", "decimal(8,2)")), "export_date", "s3://b/t"
)


class Glue:
    """Glue's API over one table, as boto3 answers. `faults` are called before the method of their name."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.table: dict[str, Any] = {}
        self.partitions: dict[str, dict[str, Any]] = {}
        self.faults: dict[str, Callable[[], dict[str, Any] | None]] = {}

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        def call(**arguments: Any) -> dict[str, Any]:
            self.calls.append(method)
            for name, limit in LIMITS.items():
                if len(arguments.get(name, ())) > limit:
                    raise refused("ValidationException", f"more than {limit}")
            fault = self.faults.get(method, lambda: None)()
            return fault if fault is not None else getattr(self, f"do_{method}")(arguments)

        return call

    def do_create_table(self, told):
        if self.table:
            raise refused("AlreadyExistsException")
        self.table = {**told["TableInput"], "DatabaseName": told["DatabaseName"], "VersionId": "1"}
        return {}

    def do_get_table(self, _):
        return {"Table": self.table}

    def do_update_table(self, told):
        assert told["SkipArchive"]
        if told["VersionId"] != self.table["VersionId"]:
            raise refused("ConcurrentModificationException")
        version = str(int(told["VersionId"]) + 1)
        self.table = {**told["TableInput"], "DatabaseName": told["DatabaseName"], "VersionId": version}
        return {}

    def do_get_partitions(self, told):
        start = int(told.get("NextToken", "0"))
        page = list(self.partitions.values())[start : start + 2]
        more = {"NextToken": str(start + 2)} if start + 2 < len(self.partitions) else {}
        return {"Partitions": page, **more}

    def do_batch_get_partition(self, told):
        taken, left = told["PartitionsToGet"][:2], told["PartitionsToGet"][2:]
        found = [self.partitions[one["Values"][0]] for one in taken if one["Values"][0] in self.partitions]
        return {"Partitions": found, "UnprocessedKeys": left}

    def do_batch_create_partition(self, told):
        self.partitions |= {one["Values"][0]: one for one in told["PartitionInputList"]}
        return {"Errors": []}

    def do_batch_update_partition(self, told):
        self.partitions |= {one["PartitionValueList"][0]: one["PartitionInput"] for one in told["Entries"]}
        return {"Errors": []}

    def do_batch_delete_partition(self, told):
        absent = [one for one in told["PartitionsToDelete"] if self.partitions.pop(one["Values"][0], None) is None]
        return {
            "Errors": [
                {"PartitionValues": one["Values"], "ErrorDetail": {"ErrorCode": "EntityNotFoundException"}} for one in absent
            ]
        }


def refused(code: str, message: str = "no") -> ClientError:
    """An error as AWS answers."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Call")


@pytest.fixture
def glue(monkeypatch) -> Glue:
    """A Glue that the catalog talks to."""
    made = Glue()
    monkeypatch.setattr("boto3.client", lambda *_, **__: made)
    return made


@pytest.fixture
def catalog(glue) -> GlueCatalog:
    """A catalog with one table."""
    made = GlueCatalog(CatalogSettings(kind="glue", region="eu-west-2"))
    made.ensure_table(TABLE)
    return made


def pointers(number: int, attempt: str = "a1") -> list[Pointer]:
    """Pointers of that many days."""
    return [
        Pointer(f"{year}-01-01", f"s3://b/t/{year}/{attempt}", attempt, "f", 1, "r", 1, "c", "2026-11-21T00:00:00Z")
        for year in range(1000, 1000 + number)
    ]


def shown(catalog: GlueCatalog) -> set[str]:
    """The attempts that the table's partitions show."""
    return {pointer.attempt for pointer in catalog.pointers("db", "history").values()}


def test_no_call_has_more_partitions_than_glue_takes_and_parts_of_answers_are_asked_for_again(glue, catalog):
    catalog.switch("db", "history", pointers(101))
    catalog.switch("db", "history", pointers(101, "a2"))
    assert len(catalog.pointers("db", "history", [one.partition for one in pointers(101)])) == 101
    assert shown(catalog) == {"a2"}
    catalog.drop_partitions("db", "history", [one.partition for one in pointers(60)])
    assert (len(glue.partitions), glue.calls.count("batch_delete_partition")) == (41, 3)


def test_a_partition_that_is_not_done_within_an_answer_is_an_error_that_names_it(glue, catalog):
    told = {"PartitionValues": ["1000-01-01"], "ErrorDetail": {"ErrorCode": "InternalServiceException", "ErrorMessage": "try"}}
    glue.faults["batch_create_partition"] = lambda: {"Errors": [told]}
    with pytest.raises(CatalogError, match=r"db\.history, partition 1000-01-01.*InternalServiceException") as caught:
        catalog.switch("db", "history", pointers(1))
    assert caught.value.transient


def test_a_partition_that_somebody_made_meanwhile_is_left_to_the_reading_back(glue, catalog):
    told = {"PartitionValues": ["1000-01-01"], "ErrorDetail": {"ErrorCode": "AlreadyExistsException"}}
    glue.faults["batch_create_partition"] = lambda: {"Errors": [told]}
    catalog.switch("db", "history", pointers(1))


def test_a_table_that_somebody_changed_meanwhile_is_looked_at_again(glue, catalog):
    changes = iter(["2", "3"])

    def change() -> None:
        glue.table["VersionId"] = next(changes, glue.table["VersionId"])

    glue.faults["update_table"] = change
    catalog.ensure_table(TableDefinition("db", "history", (TableColumn("m", "bigint"),), "export_date"))
    assert [column["Name"] for column in glue.table["StorageDescriptor"]["Columns"]] == ["id", "n", "m"]
    assert glue.calls.count("update_table") == 3


def test_changed_columns_reach_the_partitions_there_are_with_what_they_show(glue, catalog):
    catalog.switch("db", "history", pointers(101))
    wider = (TableColumn("m", "bigint"), TableColumn("n", "decimal(9,2)"))
    catalog.ensure_table(TableDefinition("db", "history", wider, "export_date"))
    types = {tuple(c["Type"] for c in one["StorageDescriptor"]["Columns"]) for one in glue.partitions.values()}
    assert (types, shown(catalog)) == ({("string", "decimal(9,2)", "bigint")}, {"a1"})
    assert glue.calls.count("batch_update_partition") == 2


@pytest.mark.parametrize(
    ("error", "transient", "remedy"),
    [
        (refused("AccessDeniedException", "not authorized to perform: glue:GetTable"), False, "Allow this role"),
        (refused("ExpiredTokenException"), False, "Renew the credentials"),
        (refused("ThrottlingException"), True, "Retry"),
        (refused("InternalServiceException"), True, "Retry"),
        (EndpointConnectionError(endpoint_url="https://glue"), True, "VPC endpoint"),
    ],
)
def test_an_error_names_the_table_and_says_whether_another_try_may_help(glue, catalog, error, transient, remedy):
    def fail() -> None:
        raise error

    glue.faults["get_table"] = fail
    with pytest.raises(CatalogError, match=r"db\.history in glue\.eu-west-2") as caught:
        catalog.describe("db", "history")
    assert (caught.value.transient, remedy in caught.value.remedy) == (transient, True)
