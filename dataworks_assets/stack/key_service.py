"""The data key service: HTTPS with client certificates in front of a `KeyVault`, as a separate process.

    GET  /datakey?correlationId=                           201, a new data key
    POST /datakey/actions/decrypt?keyId=&correlationId=    200, the data key; 400 when it cannot be decrypted
    PUT  /faults                                           what shall go wrong from now on (a `Faults` as JSON)
    GET  /faults                                           that, and how many calls were answered so far

The log names calls, correlation ids and answers; keys and ciphertexts never.
"""

from __future__ import annotations

import base64
import ssl
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import requests
import typer

from dataworks_assets.stack.certificates import Certificates, ensure_certificates
from dataworks_assets.stack.key_vault import KeyVault, RefusedError
from dataworks_assets.stack.service import HOST, Service, Surroundings, python_path

NAME = "key-service"
_IDLE_SECONDS = 60
_LONGEST_BODY_BYTES = 64 * 1024


class Faults(msgspec.Struct, forbid_unknown_fields=True):
    """Injected faults.

    The next `unavailable` calls return `status`; each call takes `slow_seconds` more; while `refusing`, no key is decrypted.
    """

    unavailable: int = 0
    status: int = 503
    slow_seconds: float = 0.0
    refusing: bool = False


class KeyServer(ThreadingHTTPServer):
    """The service, with a thread per connection. The TLS handshake runs there too, so that a slow client delays no other."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, directory: Path, port: int = 0) -> None:
        self.certificates = ensure_certificates(directory)
        self.vault = KeyVault.open(directory)
        self.faults = Faults()
        self.calls = 0
        self._lock = threading.Lock()
        super().__init__((HOST, port), _Handler)
        self.socket = _server_context(self.certificates).wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    @property
    def url(self) -> str:
        """The address that clients use."""
        return f"https://{HOST}:{self.server_address[1]}"

    def take_fault(self) -> int | None:
        """Counts a call, waits where calls are slow, and returns the status it shall fail with."""
        with self._lock:
            self.calls += 1
            failing = self.faults.unavailable > 0
            self.faults.unavailable -= failing
            status, seconds = self.faults.status, self.faults.slow_seconds
        time.sleep(seconds)
        return status if failing else None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says in one line why a connection ended, such as a client without a certificate."""
        sys.stderr.write(f"connection from {client_address} ended: {sys.exc_info()[1]!r}\n")


class _Handler(BaseHTTPRequestHandler):
    """Answers the calls of one connection."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True  # otherwise a body is sent 40 ms after its headers
    server: KeyServer

    def do_GET(self) -> None:
        if self._path() == "/faults":
            self._answer(HTTPStatus.OK, msgspec.to_builtins(self.server.faults) | {"calls": self.server.calls})
        elif self._path() != "/datakey":
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no such call"})
        elif not self._failed_on_purpose():
            key_id, plaintext, ciphertext = self.server.vault.make_data_key()
            answer = {"plaintextDataKey": base64.b64encode(plaintext).decode(), "ciphertextDataKey": ciphertext}
            self._answer(HTTPStatus.CREATED, {"dataKeyEncryptionKeyId": key_id} | answer)

    def do_POST(self) -> None:
        body = self._body()
        if self._path() != "/datakey/actions/decrypt":
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no such call"})
        elif not self._failed_on_purpose():
            self._decrypt(body.decode("ascii", "replace").strip())

    def do_PUT(self) -> None:
        body = self._body()
        if self._path() != "/faults":
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no such call"})
            return
        try:
            self.server.faults = msgspec.json.decode(body, type=Faults)
        except msgspec.DecodeError as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        else:
            self._answer(HTTPStatus.OK, msgspec.to_builtins(self.server.faults))

    def _decrypt(self, ciphertext: str) -> None:
        key_id = self._query("keyId")
        if self.server.faults.refusing:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": "refused on purpose"})
            return
        try:
            plaintext = self.server.vault.decrypt(ciphertext, key_id=key_id)
        except RefusedError as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
            return
        answer = {"dataKeyEncryptionKeyId": key_id, "plaintextDataKey": base64.b64encode(plaintext).decode()}
        self._answer(HTTPStatus.OK, answer)

    def _failed_on_purpose(self) -> bool:
        status = self.server.take_fault()
        if status is not None:
            self._answer(status, {"error": "unavailable on purpose"})
        return status is not None

    def _path(self) -> str:
        return urlsplit(self.path).path

    def _query(self, name: str) -> str:
        return parse_qs(urlsplit(self.path).query).get(name, [""])[0]

    def _body(self) -> bytes:
        length = min(int(self.headers.get("Content-Length") or 0), _LONGEST_BODY_BYTES)
        return self.rfile.read(length)

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = msgspec.json.encode(document)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        status = args[1] if len(args) > 1 else format
        who = self._query("correlationId") if hasattr(self, "path") else ""
        sys.stderr.write(f"{self.log_date_time_string()} {self.command} {self._path()!r} {who!r} {status}\n")


def _server_context(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.ca)
    context.load_cert_chain(certificates.server, certificates.server_key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def main(
    directory: Annotated[Path, typer.Option(help="Folder of the certificates and the master keys.")],
    port: Annotated[int, typer.Option(help="Port on the loopback address.")],
) -> None:
    """Serve data keys until ended."""
    with KeyServer(directory, port) as server:
        server.serve_forever()


def _url(around: Surroundings) -> str:
    return f"https://{HOST}:{around.port(NAME)}"


def _prepare(around: Surroundings) -> None:
    ensure_certificates(around.directory(NAME))


def _command(around: Surroundings) -> list[str]:
    options = ["--directory", str(around.directory(NAME)), "--port", str(around.port(NAME))]
    return [python_path(), "-m", "dataworks_assets.stack.key_service", *options]


def _check_ready(around: Surroundings) -> None:
    paths = Certificates.within(around.directory(NAME))
    client = (str(paths.client), str(paths.client_key))
    requests.get(f"{_url(around)}/faults", cert=client, verify=str(paths.ca), timeout=5).raise_for_status()


SERVICE = Service(
    name=NAME,
    title="Key service",
    port_names=("main",),
    prepare=_prepare,
    command=_command,
    check_ready=_check_ready,
    not_ready=(requests.RequestException,),
    url=_url,
)

if __name__ == "__main__":
    typer.run(main)
