"""Logs in CloudWatch as EMR ships them from release 7.11 on: what it refuses of their configuration, and a step's streams.

After EMR's Management Guide, "Publish Amazon EMR logs to CloudWatch Logs". A real cluster ships while a step runs; here its
lines come when it has ended.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

PutLines = Callable[[str, str, list[str]], None]
"""Puts lines into a stream of a log group."""
_AGENT = "AmazonCloudWatchAgent"
_RELEASE = (7, 11, 0)
_TYPES = {"STEP_LOGS", "SPARK_DRIVER", "SPARK_EXECUTOR"}
_FILES = {"STDOUT", "STDERR"}
_MOST_LINES = 1_000


def misfits(request: Mapping[str, Any]) -> Iterator[str]:
    """Yields what EMR refuses of a RunJobFlow's log configuration."""
    said = _configuration(request)
    if not said.get("Enabled"):
        return
    release = str(request["ReleaseLabel"])
    if tuple(map(int, re.findall(r"\d+", release))) < _RELEASE:
        yield f"CloudWatch logging is not supported for release label {release}."
    if _AGENT not in {each["Name"] for each in request.get("Applications", ())}:
        yield f"CloudWatch logging needs the application {_AGENT}."
    for kind, files in said.get("LogTypes", {}).items():
        if kind not in _TYPES or not set(files) <= _FILES:
            yield f"{kind}: {', '.join(files)} is no valid log type."


def ship_step(request: Mapping[str, Any], cluster_id: str, step_id: str, logs: Mapping[str, bytes], put: PutLines) -> None:
    """Puts a step's lines where its cluster's request says: a stream a file, `<prefix>/steps/<step>/<file>`."""
    said = _configuration(request)
    if not said.get("Enabled"):
        return
    wanted = said.get("LogTypes", {"STEP_LOGS": _FILES}).get("STEP_LOGS", ())
    group = said.get("LogGroupName") or f"/aws/emr/{cluster_id}"
    for name, content in logs.items():
        if name.upper() in wanted and (lines := content.decode(errors="replace").splitlines()):
            put(group, f"{said.get('LogStreamNamePrefix', '')}/steps/{step_id}/{name}", lines)


def put_lines(group: str, stream: str, lines: list[str]) -> None:
    """Puts lines into CloudWatch; what is empty there is left out, as it takes no empty line."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client("logs")
    with suppress(client.exceptions.ResourceAlreadyExistsException):
        client.create_log_group(logGroupName=group)
    now_ms = int(time.time() * 1000)
    events = [{"timestamp": now_ms, "message": line} for line in lines if line]
    with suppress(BotoCoreError, ClientError):  # as on EMR, a log that cannot be shipped is missing, and nothing else
        client.create_log_stream(logGroupName=group, logStreamName=stream)
        for start in range(0, len(events), _MOST_LINES):
            client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events[start : start + _MOST_LINES])


def keep_nowhere(group: str, stream: str, lines: list[str]) -> None:
    """Puts lines nowhere."""


def _configuration(request: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = request.get("MonitoringConfiguration", {}).get("CloudWatchLogConfiguration", {})
    return found
