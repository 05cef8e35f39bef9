"""The emulated EMR as a process: its API over HTTP (JSON 1.1, as boto3 speaks it), and the time that passes for clusters.

python -m dataworks_assets.stack.emr.server --port 11111 --folder .dataworks/emr --delays '{"starting": 60}'
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any

import typer

from dataworks_assets.engines.submit import find_spark_home
from dataworks_assets.stack.emr.control import EmulatedEmr
from dataworks_assets.stack.emr.life import Delays
from dataworks_assets.stack.emr.log_streams import put_lines
from dataworks_assets.stack.emr.nodes import LocalNodes
from dataworks_assets.stack.emr.records import Document, RefusedError
from dataworks_assets.stack.service import HOST
from spark.contract import StoreSettings
from spark.store import shared_store

_TICK_SECONDS = 0.1
_IDLE_SECONDS = 60
_OF_THE_MACHINE = ("JAVA_HOME", "LANG", "LC_ALL", "TZ")


class EmrServer(ThreadingHTTPServer):
    """Answers calls; a thread a connection."""

    daemon_threads = True

    def __init__(self, emr: EmulatedEmr, port: int = 0) -> None:
        self.emr = emr
        self._ended = threading.Event()
        super().__init__((HOST, port), _Handler)

    @property
    def url(self) -> str:
        """The address that clients use."""
        return f"http://{HOST}:{self.server_address[1]}"

    def tick(self) -> None:
        """Lets clusters live until `close`."""
        while not self._ended.wait(_TICK_SECONDS):
            self.emr.advance()

    def close(self) -> None:
        """Ends every cluster."""
        self._ended.set()
        self.emr.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True  # or a body waits 40 ms behind its headers
    server: EmrServer

    def do_GET(self) -> None:
        self._answer(HTTPStatus.OK, {"clusters": len(self.server.emr.clusters)})

    def do_POST(self) -> None:
        operation = self.headers.get("X-Amz-Target", "").partition(".")[2]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            answer = self.server.emr.call(operation, json.loads(body or b"{}"))
        except RefusedError as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"__type": error.code, "message": error.message})
        except (KeyError, TypeError, ValueError) as error:
            message = f"The request of {operation} is not valid: {error!r}"
            self._answer(HTTPStatus.BAD_REQUEST, {"__type": "ValidationException", "message": message})
        else:
            self._answer(HTTPStatus.OK, answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Writes the operation with the answer."""
        sys.stderr.write(f"{self.headers.get('X-Amz-Target', self.path)} {format % args}\n")

    def _answer(self, status: HTTPStatus, document: Document) -> None:
        body = json.dumps(document, default=_seconds).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)


def _seconds(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(type(value).__name__)


def _on_term(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _read_secret(arn: str) -> str:
    """Returns a secret's text as EMR's service role reads it.

    Raises:
        LookupError: it cannot be read.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return boto3.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    except (BotoCoreError, ClientError) as error:
        raise LookupError(f"The secret {arn} could not be retrieved: {error}") from error


def main(
    port: Annotated[int, typer.Option()], folder: Annotated[Path, typer.Option()], delays: Annotated[str, typer.Option()] = "{}"
) -> None:
    """Serves until it is ended."""
    signal.signal(signal.SIGTERM, _on_term)
    image = {name: value for name, value in os.environ.items() if name.startswith("AWS_") or name in _OF_THE_MACHINE}
    store = shared_store(StoreSettings(endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"], region=os.environ["AWS_REGION"]))
    shutil.rmtree(folder, ignore_errors=True)  # what clusters left that died with an earlier emulator
    nodes = LocalNodes(folder, store, image, find_spark_home(), read_secret=_read_secret, put_lines=put_lines)
    server = EmrServer(EmulatedEmr(nodes, delays=Delays(**json.loads(delays))), port)
    threading.Thread(target=server.tick, daemon=True).start()
    with suppress(KeyboardInterrupt):
        server.serve_forever()
    server.close()
    nodes.close()


if __name__ == "__main__":
    typer.run(main)
