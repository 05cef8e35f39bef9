"""The emulated EMR as a service of the stack, started only for those that ask for it."""

from __future__ import annotations

import json

import requests

from dataworks_assets.stack import aws_server, object_server, state
from dataworks_assets.stack.service import HOST, Service, Surroundings, python_path

NAME = "emr"
DELAYS_FILE = "delays.json"
"""In the service's folder: how long clusters stay in states, in seconds; see `life.Delays`."""


def _url(around: Surroundings) -> str:
    return f"http://{HOST}:{around.port(NAME)}"


def _prepare(around: Surroundings) -> None:
    """Lets `delays.json` say how long clusters stay in AWS' states; by default a second each."""
    path = around.directory(NAME) / DELAYS_FILE
    if not path.exists():
        path.write_text(
            json.dumps({"starting": 1.0, "bootstrapping": 0.0, "pending": 0.0, "terminating": 1.0}, indent=2) + "\n"
        )


def _command(around: Surroundings) -> list[str]:
    folder = around.directory(NAME)
    delays = json.dumps(json.loads((folder / DELAYS_FILE).read_text()))
    program = [python_path(), "-m", "dataworks_assets.stack.emr.server"]
    return [*program, "--port", str(around.port(NAME)), "--folder", str(folder / "nodes"), "--delays", delays]


def _environment(around: Surroundings) -> dict[str, str]:
    """What nodes have: an instance profile's credentials, the store's address, Java."""
    return {
        "AWS_ACCESS_KEY_ID": state.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": state.SECRET_KEY,
        "AWS_DEFAULT_REGION": state.REGION,
        "AWS_REGION": state.REGION,
        "AWS_ENDPOINT_URL": aws_server.SERVICE.url(around),
        "AWS_ENDPOINT_URL_S3": object_server.SERVICE.url(around),
        "AWS_EC2_METADATA_DISABLED": "true",
        "JAVA_HOME": str(around.java_home),
    }


def _check_ready(around: Surroundings) -> None:
    requests.get(_url(around), timeout=5).raise_for_status()


SERVICE = Service(
    name=NAME,
    title="EMR (emulated)",
    port_names=("main",),
    prepare=_prepare,
    command=_command,
    check_ready=_check_ready,
    not_ready=(requests.RequestException,),
    url=_url,
    environment=_environment,
    on_demand=True,
)
