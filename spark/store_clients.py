"""The object store's clients: making one for a bucket, with role sessions if it needs any, and translating their errors.

Clients are used in `store`; roles are assumed in `roles`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from typing import Any

from obstore import exceptions
from obstore.store import MemoryStore, S3Store

from spark.contract import RoleChain, StoreSettings
from spark.errors import AccessError, ConflictError, InputChangedError, NotFoundError, StoreError
from spark.roles import RoleSessions

Client = S3Store | MemoryStore
_OF_PROVIDER = "External AWS credential provider: "
_FORBIDDEN = "403 Forbidden"
_NO_BUCKET = "NoSuchBucket"
_ENDED_CODES = ("ExpiredToken", "InvalidToken")
_ENDED = tuple(f"<Code>{code}</Code>" for code in _ENDED_CODES)

_BARE = re.compile(r"400 Bad Request: *$", re.MULTILINE)
"""What an ended session is answered where the answer has no body, as that to a HEAD."""


class SessionEndedError(StoreError):
    """The store says that a session has expired, although it was issued for longer; a new one may work."""


@cache
def shared_sessions(chain: RoleChain, region: str) -> RoleSessions:
    """The one set of sessions of this process for a chain of roles."""
    return RoleSessions(chain, region)


def make_boto_client(settings: StoreSettings) -> Any:
    """Returns a boto3 client, for calls that obstore does not support.

    Raises:
        AccessError: a role cannot be assumed.
        StoreError: STS is unavailable.
    """
    import boto3

    keys: dict[str, Any] = {}
    if settings.chain is not None:
        given = shared_sessions(settings.chain, settings.region)()
        keys = {
            "aws_access_key_id": given["access_key_id"],
            "aws_secret_access_key": given["secret_access_key"],
            "aws_session_token": given["token"],
        }
    return boto3.client("s3", endpoint_url=settings.endpoint_url, region_name=settings.region, **keys)


def end_sessions(settings: StoreSettings) -> None:
    """Discards the sessions of the settings' roles; the next caller gets new ones."""
    if settings.chain is not None:
        shared_sessions(settings.chain, settings.region).end()


def make_client(bucket: str, settings: StoreSettings) -> Client:
    """Returns a client of a bucket.

    Raises:
        AccessError: a role cannot be assumed.
        StoreError: STS is unavailable.
    """
    if settings.scheme == "memory":
        return MemoryStore()
    options: dict[str, Any] = {"region": settings.region}
    if settings.endpoint_url:
        # Under this name it takes precedence over AWS_ENDPOINT_URL_S3 of the environment; `endpoint` does not.
        options |= {"aws_endpoint_url_s3": settings.endpoint_url, "virtual_hosted_style_request": False}
    if settings.sse_kms_key_id:
        options |= {"server_side_encryption": "aws:kms", "sse_kms_key_id": settings.sse_kms_key_id}
    if settings.chain is not None:
        sessions = shared_sessions(settings.chain, settings.region)
        sessions()  # fails now, with its own error, if a role cannot be assumed
        options |= {"credential_provider": sessions}
    local = bool(settings.endpoint_url and settings.endpoint_url.startswith("http://"))
    return S3Store(
        bucket,
        **options,
        client_options={"allow_http": local, "timeout": "300s"},
        retry_config={"max_retries": 4},
    )


@contextmanager
def domain_errors(uri: str, chain: RoleChain | None) -> Iterator[None]:
    """Turns obstore's errors into the platform's, chained; a refusal in another account names the role that was refused."""
    try:
        yield
    except (exceptions.NotFoundError, FileNotFoundError) as error:
        raise NotFoundError("no such object or bucket", where=uri) from error
    except exceptions.AlreadyExistsError as error:
        raise ConflictError("the object exists already", where=uri) from error
    except exceptions.PreconditionError as error:
        raise InputChangedError(
            "the object was replaced meanwhile", where=uri, remedy="Run again: the new object is planned afresh"
        ) from error
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise _refused(uri, chain, error) from error
    except exceptions.BaseError as error:
        text = str(error)
        if _NO_BUCKET in text:
            raise _no_bucket(uri) from error
        if _FORBIDDEN in text:  # for a listing, obstore's error class does not say so
            raise _refused(uri, chain, error) from error
        if any(code in text for code in _ENDED) or (chain is not None and _BARE.search(text)):
            raise _ended(uri) from error
        raise _unclear(uri, error) from error


@contextmanager
def boto_errors(uri: str, chain: RoleChain | None) -> Iterator[None]:
    """Turns boto3's errors into the platform's, chained, as `domain_errors` does obstore's."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == HTTPStatus.FORBIDDEN:
            raise _refused(uri, chain, error) from error
        if error.response.get("Error", {}).get("Code") == _NO_BUCKET:
            raise _no_bucket(uri) from error
        if error.response.get("Error", {}).get("Code") in _ENDED_CODES:
            raise _ended(uri) from error
        raise _unclear(uri, error) from error
    except NoCredentialsError as error:
        raise AccessError("no credentials", where=uri, remedy="Give this process credentials") from error
    except BotoCoreError as error:
        raise _unclear(uri, error) from error


def _no_bucket(uri: str) -> StoreError:
    """Returns no `NotFoundError`: a listing's caller may take that for "nothing is there"."""
    bucket = uri.partition("://")[2].partition("/")[0]
    remedy = "Correct the bucket's name in the deployment, or have the bucket made"
    return StoreError(f"there is no bucket {bucket!r}", where=uri, remedy=remedy, transient=False)


def _ended(uri: str) -> SessionEndedError:
    return SessionEndedError("the session has ended before its time", where=uri, remedy="Run again: it gets new sessions")


def _unclear(uri: str, error: Exception) -> StoreError:
    return StoreError(_first_line(error), where=uri, remedy="Retry; if it stays, look at the object store")


def _refused(uri: str, chain: RoleChain | None, error: Exception) -> AccessError:
    told = _first_line(error).partition(_OF_PROVIDER)[2]
    if told:
        return AccessError(f"no credentials: {told}", where=uri, remedy="Correct this process's credentials")
    if chain is None:
        return AccessError(
            "access refused", where=uri, remedy="Give this role the right to this object, or correct the credentials"
        )
    return AccessError(
        f"access refused to the role {chain.roles[-1].arn}",
        where=uri,
        remedy="Have the bucket's owner grant it s3:ListBucket, s3:GetObject and kms:Decrypt there",
    )


def _first_line(error: Exception) -> str:
    """Returns an error's first line, without a full stop."""
    return str(error).strip().splitlines()[0].rstrip(".")
