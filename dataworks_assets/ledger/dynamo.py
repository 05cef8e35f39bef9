"""The status tables in DynamoDB: changes are made in parallel, those of the same row in order.

A change is one `UpdateItem`, which keeps attributes that others wrote in the same row. Every change is idempotent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from dataworks_assets.ledger.rows import Guard, RowChange, Value
from spark.errors import DataworksError, LedgerError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONNECTIONS = 32
"""How many rows are written in parallel; the client needs as many connections."""
_PASSED_OVER = "ConditionalCheckFailedException"
_STAYS = frozenset({"ResourceNotFoundException", "AccessDeniedException"})
"""Errors that a retry cannot fix: an operator has to create the table, or grant access."""

Attributes = dict[str, str | int]
"""A row as plain values."""


@dataclass(frozen=True)
class Unwritten:
    """A change that could not be made, and why."""

    change: RowChange
    error: DataworksError


class StatusTables(Protocol):
    """Where rows are written."""

    def write(self, changes: Sequence[RowChange]) -> list[Unwritten]:
        """Makes changes, those of the same row in order. Returns those that could not be made; never raises."""

    def rows(self, table: str, *, key: tuple[str, str] | None = None, where: Mapping[str, str]) -> list[Attributes]:
        """Returns rows to show to an operator; no decision depends on them.

        Args:
            table: the table's name.
            key: name and value of the partition key if it is known, so that no other rows are read.
            where: attributes and the values that they must have.
        """

    def delete(self, table: str, key: Mapping[str, str]) -> None:
        """Deletes a row."""


@dataclass(frozen=True)
class DynamoTables:
    """The tables in DynamoDB.

    Args:
        client: makes the client, on first use.
    """

    client: Callable[[], DynamoDBClient]

    def write(self, changes: Sequence[RowChange]) -> list[Unwritten]:
        """Makes changes in parallel; those of the same row in order, and none after a failed one."""
        chains: dict[tuple[str, ...], list[RowChange]] = defaultdict(list)
        for change in changes:
            chains[change.row].append(change)
        if not chains:
            return []
        with ThreadPoolExecutor(min(CONNECTIONS, len(chains))) as pool:
            return [unwritten for chain in pool.map(self._write_chain, chains.values()) for unwritten in chain]

    def rows(self, table: str, *, key: tuple[str, str] | None = None, where: Mapping[str, str]) -> list[Attributes]:
        """Returns rows, from all pages.

        Raises:
            LedgerError: they cannot be read.
        """
        with _domain_errors(table):
            items = [item for page in self._pages(table, key, where) for item in page.get("Items", ())]
        return [{name: _plain(each) for name, each in item.items()} for item in items]

    def _pages(self, table: str, key: tuple[str, str] | None, where: Mapping[str, str]) -> Iterator[Any]:
        names: dict[str, str] = {}
        values: dict[str, Any] = {}

        def equal(name: str, value: str) -> str:
            return f"{_add(names, '#', name)} = {_add(values, ':', _attribute(value))}"

        said: dict[str, Any] = {"TableName": table, "ConsistentRead": True}
        if key:
            said["KeyConditionExpression"] = equal(*key)
        if where:
            said["FilterExpression"] = " AND ".join(equal(name, value) for name, value in where.items())
        if names:
            said |= {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
        client = self.client()
        paginator = client.get_paginator("query") if key else client.get_paginator("scan")
        return iter(paginator.paginate(**said))

    def delete(self, table: str, key: Mapping[str, str]) -> None:
        """Deletes a row; a missing row is no error.

        Raises:
            LedgerError: it cannot be deleted.
        """
        with _domain_errors(table):
            self.client().delete_item(TableName=table, Key=_key(key))

    def _write_chain(self, chain: Sequence[RowChange]) -> list[Unwritten]:
        for index, change in enumerate(chain):
            try:
                self._write_one(change)
            except DataworksError as error:
                return [Unwritten(each, error) for each in chain[index:]]
        return []

    def _write_one(self, change: RowChange) -> None:
        from botocore.exceptions import ClientError

        with _domain_errors(str(change)):
            try:
                self.client().update_item(**update_of(change))
            except ClientError as error:
                if error.response["Error"]["Code"] != _PASSED_OVER:
                    raise


def update_of(change: RowChange) -> dict[str, Any]:
    """Returns the arguments of `UpdateItem` for a change."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}

    def named(attribute: str) -> str:
        return next((mark for mark, name in names.items() if name == attribute), None) or _add(names, "#", attribute)

    def given(value: Value) -> str:
        return _add(values, ":", _attribute(value))

    sets = [f"{named(name)} = {given(value)}" for name, value in change.sets.items()]
    sets += [f"{named(name)} = if_not_exists({named(name)}, {given(value)})" for name, value in change.defaults.items()]
    if change.counted:
        counted = named(change.counted)
        sets.append(f"{counted} = if_not_exists({counted}, {given(0)}) + {given(1)}")
    condition = {"ConditionExpression": _condition(change.guard, named, given)} if change.guard else {}
    return {
        "TableName": change.table,
        "Key": _key(change.key),
        "UpdateExpression": f"SET {', '.join(sets)}",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        **condition,
    }


def _condition(guard: Guard, named: Callable[[str], str], given: Callable[[Value], str]) -> str:
    attribute = named(guard.attribute)
    sign = "<=" if guard.or_equal else "<"
    return f"attribute_not_exists({attribute}) OR {attribute} {sign} {given(guard.most)}"


def _add(known: dict[str, Any], sign: str, value: Any) -> str:
    mark = f"{sign}a{len(known)}"
    known[mark] = value
    return mark


def _key(key: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"S": value} for name, value in key.items()}


def _attribute(value: Value) -> dict[str, str]:
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def _plain(attribute: Mapping[str, Any]) -> str | int:
    return int(attribute["N"]) if "N" in attribute else str(next(iter(attribute.values())))


@contextmanager
def _domain_errors(where: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        stays = isinstance(error, ClientError) and error.response["Error"]["Code"] in _STAYS
        raise LedgerError(
            f"the status table cannot be reached: {error}",
            where=where,
            remedy="See that the table is there (`ledger` of the deployment) and that the role may update it",
            transient=not stays,
        ) from error
