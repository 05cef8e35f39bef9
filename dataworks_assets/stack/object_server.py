"""S3: SeaweedFS' `weed mini` out of its wheel, a real and persistent server. Buckets are made here, objects are not."""

from __future__ import annotations

import json
import secrets
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from dataworks_assets.stack import state
from dataworks_assets.stack.service import HOST, Service, Surroundings, write_private

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

NAME = "s3"
_PROBE_KEY = "_stack/probe"
_OPTION_BY_PORT = {
    "main": "s3.port",
    "filer": "filer.port",
    "master": "master.port",
    "volume": "volume.port",
    "admin": "admin.port",
}
_GRPC_OFFSET = 10_000
"""Offset of each part's gRPC port. There are options for it, but the worker finds its admin server only here."""
_OPTIONS = (
    f"-ip={HOST}",
    f"-ip.bind={HOST}",
    "-admin.ui=false",
    "-webdav=false",
    "-s3.iam=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-master.telemetry=false",
    # Paths relative to its own folder, where it runs: socket paths have at most about 100 characters; its default is /tmp.
    "-filer.localSocket=filer.sock",
    "-s3.localSocket=s3.sock",
)


def _url(around: Surroundings) -> str:
    return f"http://{HOST}:{around.port(NAME)}"


def _prepare(around: Surroundings) -> None:
    (around.directory(NAME) / "data").mkdir(exist_ok=True)
    identity = {
        "name": "dataworks",
        "credentials": [{"accessKey": state.ACCESS_KEY, "secretKey": state.SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    write_private(around.directory(NAME) / "identities.json", json.dumps({"identities": [identity]}).encode())


def _command(around: Surroundings) -> list[str]:
    directory = around.directory(NAME)
    program = str(Path(sysconfig.get_path("scripts")) / "weed")
    files = [f"-dir={directory / 'data'}", f"-s3.config={directory / 'identities.json'}"]
    ports = [f"-{option}={around.port(NAME, port)}" for port, option in _OPTION_BY_PORT.items()]
    return [program, "-logtostderr", "mini", *files, *_OPTIONS, *ports]  # otherwise it keeps a second log in /tmp


def connect(endpoint: str) -> S3Client:
    """Returns a client without retries and with short time-outs, since a server that has just started may let calls hang."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=state.ACCESS_KEY,
        aws_secret_access_key=state.SECRET_KEY,
        region_name=state.REGION,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=3, s3={"addressing_style": "path"}),
    )


def _check_ready(around: Surroundings) -> None:
    """Reads back a written object, because the port opens seconds before data can be read; creates missing buckets."""
    client = connect(_url(around))
    present = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for bucket in state.BUCKETS:
        if bucket not in present:
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": state.REGION})
    body = secrets.token_bytes(16)
    client.put_object(Bucket=state.LOG_BUCKET, Key=_PROBE_KEY, Body=body)
    client.get_object(Bucket=state.LOG_BUCKET, Key=_PROBE_KEY)["Body"].read()


SERVICE = Service(
    name=NAME,
    title="S3 (SeaweedFS)",
    port_names=tuple(_OPTION_BY_PORT),
    prepare=_prepare,
    command=_command,
    check_ready=_check_ready,
    not_ready=(BotoCoreError, ClientError),
    url=_url,
    port_offsets=(0, _GRPC_OFFSET),
)
