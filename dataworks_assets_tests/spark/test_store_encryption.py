"""Encryption and tags, as they stand in the requests that create objects: seen by a server that notes what it is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from spark.contract import StoreSettings
from spark.store import ObjectStore

KEY = "arn:aws:kms:eu-west-2:1:key/published"
TAGS = {"pii": "true", "db": "core"}
_STARTED = (
    b"<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId></InitiateMultipartUploadResult>"
)
_ENDED = b'<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>'


@dataclass
class Seen:
    """The headers of the requests that create objects, and how many parts came."""

    url: str = ""
    creating: list[dict[str, str]] = field(default_factory=list)
    parts: int = 0


@pytest.fixture
def seen(monkeypatch) -> Iterator[Seen]:
    noted = Seen()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def do_PUT(self) -> None:
            self._answer(b"", creates="partNumber" not in urlsplit(self.path).query)

        def do_POST(self) -> None:
            starts = urlsplit(self.path).query.rstrip("=") == "uploads"
            self._answer(_STARTED if starts else _ENDED, creates=starts)

        def _answer(self, body: bytes, *, creates: bool) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if creates:
                noted.creating.append({name.lower(): value for name, value in self.headers.items()})
            elif self.command == "PUT":
                noted.parts += 1
            self.send_response(200)
            self.send_header("ETag", '"e"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        noted.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield noted
        server.shutdown()


def store_at(seen: Seen, key: str | None = KEY) -> ObjectStore:
    return ObjectStore(StoreSettings(endpoint_url=seen.url, sse_kms_key_id=key))


def encryption(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("x-amz-server-side-encryption")}


ENCRYPTED = {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": KEY}


def test_an_object_is_encrypted_and_tagged_by_the_request_that_creates_it(seen):
    store_at(seen).put("s3://b/k", b"1", tags=TAGS)
    [headers] = seen.creating
    assert encryption(headers) == ENCRYPTED
    assert set(headers["x-amz-tagging"].split("&")) == {"pii=true", "db=core"}


@pytest.mark.parametrize("condition", [{"create": True}, {"replace": '"e"'}], ids=str)
def test_so_is_one_that_is_written_by_condition(seen, condition):
    store_at(seen).put("s3://b/k", b"1", **condition)
    assert [encryption(headers) for headers in seen.creating] == [ENCRYPTED]


def test_so_is_one_in_parts_by_the_request_that_starts_it(seen):
    with store_at(seen).writer("s3://b/k", tags=TAGS) as target:
        for _ in range(3):
            target.write(b"1" * 6_000_000)
    [headers] = seen.creating
    assert encryption(headers) == ENCRYPTED
    assert set(headers["x-amz-tagging"].split("&")) == {"pii=true", "db=core"}
    assert seen.parts > 1


def test_without_a_key_the_buckets_own_encryption_is_left_to_it(seen):
    store_at(seen, key=None).put("s3://b/k", b"1")
    assert [encryption(headers) for headers in seen.creating] == [{}]
