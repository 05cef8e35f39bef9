"""Logs of steps on S3, also of a run that starts the embedded stack itself.

Dagster's own makes its client when the instance is opened: before the run, and so before the stack's address and credentials
are in the environment. The run then goes well, and its logs end in a traceback.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import boto3
from dagster_aws.s3 import S3ComputeLogManager

_TOLD_BY = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_REGION")


class LateS3ComputeLogManager(S3ComputeLogManager):
    """Dagster's own, with the client that the environment asks for when it is used."""

    @property
    def _s3_session(self) -> Any:
        return _client(tuple(os.environ.get(name) for name in _TOLD_BY))

    @_s3_session.setter
    def _s3_session(self, made: Any) -> None:
        del made


@lru_cache(maxsize=2)
def _client(told: tuple[str | None, ...]) -> Any:
    """Returns the client of an environment; one is made for each that there is."""
    del told
    return boto3.session.Session().client("s3")
