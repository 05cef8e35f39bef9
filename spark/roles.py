"""Sessions of chained roles, renewed before they expire. Credentials stay in memory and are never in a document.

With role chaining AWS limits a session to one hour, whatever is requested; so it is renewed by assuming the whole chain anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypedDict

from spark.contract import Role, RoleChain
from spark.errors import AccessError, StoreError

RENEW_BEFORE = timedelta(minutes=10)
"""A session is renewed when its remaining lifetime is below this; clients ask for renewal at five minutes."""
_ENDED = {"ExpiredToken", "ExpiredTokenException"}
_REFUSED = {"AccessDenied", "AccessDeniedException", "InvalidClientTokenId", *_ENDED}
_TRIES = 3
"""How often a chain is restarted if one of its sessions expires before the last role is assumed."""


class _EndedOnTheWayError(AccessError):
    """A session of the chain had expired before it was used, although it was just issued."""


class Credentials(TypedDict):
    """Credentials in the form that the object store's client expects."""

    access_key_id: str
    secret_access_key: str
    token: str | None
    expires_at: datetime | None


class Sts(Protocol):
    """The STS calls that are used."""

    def assume_role(self, **asked: Any) -> Any:
        """Returns a session's credentials."""


Connect = Callable[[RoleChain, str, Credentials | None], Sts]
"""Connects to STS in a region, with the environment's own credentials if none are given."""


def _now() -> datetime:
    return datetime.now(UTC)


def _connect(chain: RoleChain, region: str, credentials: Credentials | None) -> Sts:
    import boto3
    from botocore.config import Config

    keys: dict[str, Any] = {}
    if credentials is not None:
        keys = {
            "aws_access_key_id": credentials["access_key_id"],
            "aws_secret_access_key": credentials["secret_access_key"],
            "aws_session_token": credentials["token"],
        }
    config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})
    client: Sts = boto3.client("sts", endpoint_url=chain.endpoint_url, region_name=region, config=config, **keys)
    return client


@dataclass
class RoleSessions:
    """The sessions of one chain of roles; calling it returns credentials that stay valid for a while. Thread-safe.

    Args:
        chain: the roles, in order.
        region: of STS.
        connect: connects to STS.
        clock: returns the current time, UTC.
    """

    chain: RoleChain
    region: str
    connect: Connect = _connect
    clock: Callable[[], datetime] = _now

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._current: Credentials | None = None

    def __call__(self) -> Credentials:
        """Returns credentials of the chain's last role.

        Raises:
            AccessError: a role cannot be assumed; names it, who tried, and what its owner has to allow.
            StoreError: STS is unavailable.
        """
        with self._lock:
            if self._current is None or self._is_ending(self._current):
                self._current = self._assume_all()
            return self._current

    def end(self) -> None:
        """Discards the session, because it was refused before its expiry."""
        with self._lock:
            self._current = None

    def _is_ending(self, credentials: Credentials) -> bool:
        expires = credentials["expires_at"]
        return expires is not None and expires - self.clock() < RENEW_BEFORE

    def _assume_all(self) -> Credentials:
        for _ in range(_TRIES - 1):
            with suppress(_EndedOnTheWayError):
                return self._assume_chain()
        return self._assume_chain()

    def _assume_chain(self) -> Credentials:
        credentials: Credentials | None = None
        by = "the credentials of this process"
        for role in self.chain.roles:
            credentials = self._assume(role, credentials, by)
            by = role.arn
        if credentials is None:
            raise AccessError("the chain has no role", remedy="Configure `roles`, or leave the chain out")
        return credentials

    def _assume(self, role: Role, credentials: Credentials | None, by: str) -> Credentials:
        from botocore.exceptions import BotoCoreError, ClientError

        asked: dict[str, Any] = {
            "RoleArn": role.arn,
            "RoleSessionName": self.chain.session_name,
            "DurationSeconds": self.chain.session_seconds,
            "Tags": [{"Key": key, "Value": value} for key, value in self.chain.tags],
        }
        if role.external_id:
            asked["ExternalId"] = role.external_id
        try:
            given = self.connect(self.chain, self.region, credentials).assume_role(**asked)["Credentials"]
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            raise _failure(role, by, code, error, is_chained=credentials is not None) from error
        except BotoCoreError as error:
            raise _failure(role, by, "", error, is_chained=credentials is not None) from error
        return Credentials(
            access_key_id=given["AccessKeyId"],
            secret_access_key=given["SecretAccessKey"],
            token=given["SessionToken"],
            expires_at=given["Expiration"].astimezone(UTC),
        )


def _failure(role: Role, by: str, code: str, error: Exception, *, is_chained: bool) -> AccessError | StoreError:
    if code in _REFUSED:
        external = ", and the external id is the one that its owner gave" if role.external_id else ""
        kind = _EndedOnTheWayError if is_chained and code in _ENDED else AccessError
        return kind(
            f"the role cannot be assumed (sts:AssumeRole by {by}: {code})",
            where=role.arn,
            remedy=f"Have its owner see that its trust policy allows sts:AssumeRole and sts:TagSession to {by}{external}",
        )
    return StoreError(f"the role cannot be assumed now: {str(error).rstrip('.')}", where=role.arn, remedy="Retry")
