"""Calls to the Glue Data Catalog: the client, retries, errors. What is called, and why, is in `glue`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

from spark.contract import CatalogSettings
from spark.errors import CatalogError

_ATTEMPTS = 8
_CONNECTIONS = 32
_CONNECT_SECONDS = 10
_NOT_THERE = "EntityNotFoundException"
_FINAL: Mapping[str, str] = {
    "AccessDeniedException": "Allow this role the call on catalog, database and table",
    "ExpiredTokenException": "Renew the credentials, then run again",
    "UnrecognizedClientException": "Look at the credentials of this process",
    _NOT_THERE: "Look at the table in Glue",
    "AlreadyExistsException": "Look at the table in Glue",
    "InvalidInputException": "Look at the table in Glue",
    "ValidationException": "Look at the table in Glue",
    "GlueEncryptionException": "Allow this role the key that the catalog is encrypted with",
}
"""Permanent errors, with their remedies; any other error may go away on a retry."""


class GlueClient:
    """Calls Glue's methods by name; thread-safe.

    The AWS library retries throttled calls and broken connections, with its own pauses.

    Args:
        settings: endpoint (AWS' own if none is given), region, the account that owns the catalog, time-out of a call.
    """

    def __init__(self, settings: CatalogSettings) -> None:
        self.address = settings.uri or f"glue.{settings.region}"
        self._settings = settings
        self._lock = Lock()
        self._client: Any = None

    def call(self, method: str, *, where: str, expected: Sequence[str] = (), **arguments: Any) -> dict[str, Any] | None:
        """Returns a method's response; None if Glue responds with one of the errors in `expected`.

        Raises:
            CatalogError: any other error; transient if it leaves the outcome open.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._boto(), method)(**self._of_catalog(), **arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in expected:
                return None
            raise self._refused(method, code, error.response["Error"].get("Message", ""), where=where) from error
        except BotoCoreError as error:
            what = f"Glue does not answer: {_first_line(str(error))}"
            remedy = "Check the network to Glue (a VPC endpoint?) and the credentials, then retry"
            raise CatalogError(what, where=f"{where} in {self.address}", remedy=remedy) from error
        return answer

    def pages(self, method: str, key: str, *, where: str, **arguments: Any) -> Iterator[Any]:
        """Yields what a paged method lists under `key`; nothing if the database or table does not exist."""
        token: dict[str, Any] = {}
        while True:
            answer = self.call(method, where=where, expected=(_NOT_THERE,), **arguments, **token)
            if answer is None:
                return
            yield from answer[key]
            if not answer.get("NextToken"):
                return
            token = {"NextToken": answer["NextToken"]}

    def batch(self, method: str, *, where: str, harmless: str = "", **arguments: Any) -> None:
        """Calls a method whose response holds an error for each partition that it failed for.

        Args:
            method: its name.
            where: the table, for errors.
            harmless: an error code that counts as success.
            arguments: of the method.
        """
        answer = self.call(method, where=where, **arguments) or {}
        for failed in answer.get("Errors", ()):
            told = failed.get("ErrorDetail", {})
            if told.get("ErrorCode") != harmless:
                values = failed.get("PartitionValues") or failed.get("PartitionValueList") or ["?"]
                partition = f"{where}, partition {', '.join(values)}"
                raise self._refused(method, told.get("ErrorCode", "?"), told.get("ErrorMessage", ""), where=partition)

    def _boto(self) -> Any:
        import boto3
        from botocore.config import Config

        with self._lock:
            if self._client is None:
                self._client = boto3.client(
                    "glue",
                    endpoint_url=self._settings.uri or None,
                    region_name=self._settings.region,
                    config=Config(
                        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                        connect_timeout=_CONNECT_SECONDS,
                        read_timeout=self._settings.timeout_seconds,
                        max_pool_connections=_CONNECTIONS,
                    ),
                )
            return self._client

    def _of_catalog(self) -> dict[str, str]:
        return {"CatalogId": self._settings.catalog_id} if self._settings.catalog_id else {}

    def _refused(self, method: str, code: str, message: str, *, where: str) -> CatalogError:
        final = code in _FINAL
        verb = "was refused" if final else "failed in Glue"
        return CatalogError(
            f"{method} {verb}: {_first_line(message) or code} ({code})",
            where=f"{where} in {self.address}",
            remedy=_FINAL.get(code, "Retry; if it stays, look at Glue's service health and quotas"),
            transient=not final,
        )


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0].rstrip(".")
