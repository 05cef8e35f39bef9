"""A gate in front of the emulated S3 and STS, which check neither trust nor expiry: it does, as AWS would.

It keeps the sessions that it gave: who asked for which, and when each ends. A request of S3 is let through by a session of
the last role alone; one that has ended is answered `ExpiredToken`, an unknown one `AccessDenied`.
"""

from __future__ import annotations

import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote

import requests

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/[^/]+/(?P<service>[^/]+)/")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")
_CHAINED_SECONDS = 3600
_CHUNK_BYTES = 16 * 1024
_NOT_PASSED_ON = {"connection", "transfer-encoding", "content-encoding", "keep-alive", "host"}


@dataclass(frozen=True)
class Trust:
    """Whom a role trusts: `by` is a role, or None for credentials that are no session."""

    by: str | None
    external_id: str | None = None


@dataclass
class Session:
    """A session that was given."""

    role: str
    by: str | None
    name: str
    tags: dict[str, str]
    seconds: int
    key: str
    token: str
    ends_utc: datetime


@dataclass(frozen=True)
class Passed:
    """A request of S3 that was let through."""

    method: str
    path: str
    session: Session
    range: str | None


class RefusedError(Exception):
    """What AWS would answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass
class Gate:
    """The gate's rules, and what it saw.

    Args:
        upstream: address of the emulation.
        trusts: by role.
        reader: the role that may read the bucket.
        life: how long sessions live; as they were asked for, where None.
        refused: whether the bucket refuses a path.
        on_body: called with the path and the bytes sent before each chunk of a body; False cuts the connection.
    """

    upstream: str
    trusts: dict[str, Trust]
    reader: str
    life: timedelta | None = None
    refused: Callable[[str], bool] = lambda _path: False
    on_body: Callable[[str, int], bool] = lambda _path, _sent_bytes: True
    sessions: list[Session] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """Codes of refusals."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def end_sessions(self) -> None:
        """Ends every session now, whatever it was told."""
        with self.lock:
            for session in self.sessions:
                session.ends_utc = datetime.now(UTC) - timedelta(seconds=1)

    def find(self, key: str, token: str | None) -> Session | None:
        """Returns the session of a request; None where it comes by credentials that are no session.

        Raises:
            RefusedError: there is no such session, or it has ended.
        """
        if token is None:
            return None
        with self.lock:
            found = [each for each in self.sessions if (each.key, each.token) == (key, token)]
        if not found:
            raise RefusedError(403, "AccessDenied", "no session of this token")
        if found[0].ends_utc <= datetime.now(UTC):
            raise RefusedError(400, "ExpiredToken", "The provided token has expired.")
        return found[0]

    def check_role(self, asked: dict[str, str], by: Session | None) -> None:
        """Checks a request for a role.

        Raises:
            RefusedError: it is not trusted, or not as it has to be.
        """
        role, trust = asked["RoleArn"], self.trusts.get(asked["RoleArn"])
        if trust is None or trust.by != (by and by.role) or asked.get("ExternalId") != trust.external_id:
            raise RefusedError(403, "AccessDenied", f"not authorized to perform: sts:AssumeRole on resource: {role}")
        if by is not None and int(asked.get("DurationSeconds", 0)) > _CHAINED_SECONDS:
            raise RefusedError(400, "ValidationError", "exceeds the 1 hour session limit for roles assumed by role chaining")
        if not _SESSION_NAME.fullmatch(asked.get("RoleSessionName", "")):
            raise RefusedError(400, "ValidationError", "RoleSessionName")

    def give(self, asked: dict[str, str], by: Session | None, reply: str) -> str:
        """Keeps the session of the emulation's reply, and returns the reply with its true end."""
        tree = ET.fromstring(reply)

        def said(name: str) -> str:
            (found,) = [each for each in tree.iter() if each.tag.rpartition("}")[2] == name]
            return found.text or ""

        seconds = int(asked["DurationSeconds"])
        ends_utc = datetime.now(UTC) + (self.life or timedelta(seconds=seconds))
        tags = {
            asked[f"Tags.member.{n}.Key"]: asked[f"Tags.member.{n}.Value"]
            for n in range(1, 51)
            if f"Tags.member.{n}.Key" in asked
        }
        session = Session(
            role=asked["RoleArn"],
            by=by and by.role,
            name=asked["RoleSessionName"],
            tags=tags,
            seconds=seconds,
            key=said("AccessKeyId"),
            token=said("SessionToken"),
            ends_utc=ends_utc,
        )
        with self.lock:
            self.sessions.append(session)
        return reply.replace(said("Expiration"), ends_utc.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def pass_on(self, method: str, path: str, session: Session | None, byte_range: str | None) -> None:
        """Checks a request of S3.

        Raises:
            RefusedError: it may not.
        """
        if session is None or session.role != self.reader or self.refused(unquote(path)):
            raise RefusedError(403, "AccessDenied", "Access Denied")
        with self.lock:
            self.passed.append(Passed(method, unquote(path), session, byte_range))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gate: Gate

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key, service = self._signed_by()
        try:
            session = self.gate.find(key, self.headers.get("X-Amz-Security-Token"))
            if service == "sts":
                self._assume(dict(parse_qsl(body.decode())), session, body)
            else:
                self.gate.pass_on(self.command, self.path, session, self.headers.get("Range"))
                self._forward(body)
        except RefusedError as refused:
            self.gate.answers.append(refused.code)
            self._refuse(refused, is_sts=service == "sts")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 - the base's names

    def _signed_by(self) -> tuple[str, str]:
        """The access key that signed the request, and for which service; empty where nobody did."""
        found = _CREDENTIAL.search(self.headers.get("Authorization", ""))
        return (found["key"], found["service"]) if found else ("", "")

    def _ask(self, body: bytes) -> requests.Response:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_PASSED_ON}
        url = f"{self.gate.upstream}{self.path}"
        return requests.request(self.command, url, headers=headers, data=body, stream=True, timeout=60)

    def _assume(self, asked: dict[str, str], by: Session | None, body: bytes) -> None:
        self.gate.check_role(asked, by)
        with self._ask(body) as reply:
            text = self.gate.give(asked, by, reply.text).encode()
        self._answer(200, text)

    def _forward(self, body: bytes) -> None:
        with self._ask(body) as reply:
            self.send_response(reply.status_code)
            for name, value in reply.headers.items():
                if name.lower() not in _NOT_PASSED_ON:
                    self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            sent_bytes = 0
            for chunk in reply.raw.stream(_CHUNK_BYTES, decode_content=False):
                if not self.gate.on_body(unquote(self.path), sent_bytes):
                    self.close_connection = True
                    self.connection.close()
                    return
                self.wfile.write(chunk)
                sent_bytes += len(chunk)

    def _refuse(self, refused: RefusedError, *, is_sts: bool) -> None:
        error = f"<Error><Code>{refused.code}</Code><Message>{refused}</Message></Error>"
        self._answer(refused.status, f"<ErrorResponse>{error}</ErrorResponse>".encode() if is_sts else error.encode())

    def _answer(self, status: int, text: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)


@contextmanager
def open_gate(gate: Gate) -> Iterator[str]:
    """Yields the gate's address while it stands."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"gate": gate}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
