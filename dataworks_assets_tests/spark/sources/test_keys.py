from __future__ import annotations

import base64
import json
import threading
import time
import traceback
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from spark.contract import KeyServiceSettings
from spark.errors import ConfigurationError, KeyServiceError
from spark.sources.keys import FileKey, KeyService

KEY = b"plaintext-key-of-thirty-two-byte"
PAIR = ("Y2lwaGVy", "cloudhsm:7,14")


def plaintext_answer(key: bytes = KEY) -> dict[str, str]:
    return {"plaintextDataKey": base64.b64encode(key).decode()}


@contextmanager
def service(*answers, delay_seconds=0.0):
    """A key service that gives these (status, JSON) answers in turn, the last one for ever; yields (url, requests)."""
    seen: list[tuple[str, dict[str, list[str]], str]] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            parts = urlsplit(self.path)
            with lock:
                status, answer = answers[min(len(seen), len(answers) - 1)]
                seen.append((f"{self.command} {parts.path}", parse_qs(parts.query), body))
            time.sleep(delay_seconds)
            text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            with suppress(ConnectionError):  # a client whose time ran out has gone
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        do_GET = do_POST  # noqa: N815 the name is http.server's

        def log_message(self, *_):
            """Keeps the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def client(url, *, attempts=3, timeout_seconds=5.0) -> KeyService:
    settings = KeyServiceSettings(url=url, attempts=attempts, timeout_seconds=timeout_seconds)
    return KeyService(settings, correlation_id="run 1")


def test_a_pair_becomes_a_key_by_one_request():
    with service((200, plaintext_answer())) as (url, seen):
        assert client(url).resolve([PAIR]) == {PAIR: KEY}
    assert seen == [
        ("POST /datakey/actions/decrypt", {"keyId": ["cloudhsm:7,14"], "correlationId": ["run 1"]}, "Y2lwaGVy"),
    ]


def test_each_distinct_pair_is_asked_once():
    other = ("b3RoZXI=", "cloudhsm:7,14")
    with service((200, plaintext_answer())) as (url, seen):
        keys = client(url)
        assert set(keys.resolve([PAIR, other] * 50)) == {PAIR, other}
        keys.resolve([PAIR])
    assert (len(seen), keys.calls) == (2, 2)


def test_a_refusal_is_final_and_costs_only_its_own_pair():
    other = ("b3RoZXI=", "cloudhsm:7,14")
    with service((400, {}), (200, plaintext_answer())) as (url, seen):
        keys = client(url)
        answers = keys.resolve([PAIR, other])
        assert keys.resolve([PAIR])[PAIR] is answers[PAIR]
    assert isinstance(answers[PAIR], KeyServiceError)
    assert not answers[PAIR].transient
    assert answers[other] == KEY
    assert len(seen) == 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_unavailable_service_is_asked_again(status):
    with service((status, {}), (status, {}), (200, plaintext_answer())) as (url, seen):
        assert client(url).resolve([PAIR]) == {PAIR: KEY}
    assert len(seen) == 3


def test_a_service_that_stays_unavailable_is_one_transient_error_for_all_pairs():
    pairs = [(f"Y2lwaGVy{number:04d}", "key") for number in range(20)]
    with service((503, {})) as (url, seen):
        answers = client(url, attempts=2).resolve(pairs)
        (error,) = set(answers.values())
        assert (error.transient, error.where) == (True, url)
    assert error.remedy
    assert len(seen) == 2


def test_a_service_that_was_down_is_asked_afresh_by_the_next_call():
    with service((503, {}), (200, plaintext_answer())) as (url, _):
        keys = client(url, attempts=1)
        assert isinstance(keys.resolve([PAIR])[PAIR], KeyServiceError)
        assert keys.resolve([PAIR]) == {PAIR: KEY}


def test_a_service_that_is_not_there_is_a_transient_error():
    error = client("http://127.0.0.1:9", attempts=2).resolve([PAIR])[PAIR]
    assert isinstance(error, KeyServiceError)
    assert error.transient


def test_a_service_that_is_too_slow_is_a_transient_error():
    with service((200, plaintext_answer()), delay_seconds=0.5) as (url, _):
        error = client(url, attempts=1, timeout_seconds=0.1).resolve([PAIR])[PAIR]
    assert isinstance(error, KeyServiceError)
    assert error.transient


@pytest.mark.parametrize("status", [401, 403, 404])
def test_any_other_refusal_is_final(status):
    with service((status, {})) as (url, seen):
        error = client(url).resolve([PAIR])[PAIR]
    assert not error.transient
    assert str(status) in str(error)
    assert len(seen) == 1


@pytest.mark.parametrize("answer", [plaintext_answer(KEY[:-1]), {"plaintextDataKey": "?"}, {"plaintextDataKey": 1}, {}, []])
def test_a_key_that_is_none_is_refused(answer):
    with service((200, answer)) as (url, _):
        error = client(url).resolve([PAIR])[PAIR]
    assert isinstance(error, KeyServiceError)
    assert not error.transient


@pytest.mark.parametrize(
    "answer",
    [
        plaintext_answer(KEY + b"more"),
        b'{"plaintextDataKey": "' + base64.b64encode(KEY),
        {"plaintextDatakey": base64.b64encode(KEY).decode()},
    ],
)
def test_no_error_holds_a_plaintext_key(answer):
    with service((200, answer)) as (url, _):
        error = client(url).resolve([PAIR])[PAIR]
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)) + repr(error.__context__)
    assert base64.b64encode(KEY).decode()[:20] not in told
    assert "plaintext-key" not in told


def test_no_log_line_holds_a_plaintext_key(caplog):
    caplog.set_level("DEBUG")
    with service((200, plaintext_answer())) as (url, _):
        client(url).resolve([PAIR])
    assert caplog.text
    assert base64.b64encode(KEY).decode() not in caplog.text


def test_no_repr_shows_a_key():
    assert "plaintext" not in repr(FileKey(KEY, bytes(16)))


def test_a_new_key_comes_with_its_ciphertext():
    answer = plaintext_answer() | {"ciphertextDataKey": "Y2lwaGVy", "dataKeyEncryptionKeyId": "cloudhsm:7,14"}
    with service((201, answer)) as (url, seen):
        key = client(url).new_key()
    assert (key.plaintext, key.ciphertext, key.key_id) == (KEY, "Y2lwaGVy", "cloudhsm:7,14")
    assert "plaintext" not in repr(key)
    assert seen[0][0] == "GET /datakey"


def test_a_certificate_that_is_not_there_is_named():
    settings = KeyServiceSettings(url="https://127.0.0.1:9", ca_path="/nowhere/ca.pem")
    with pytest.raises(ConfigurationError, match="ca_path"):
        KeyService(settings, correlation_id="1").resolve([PAIR])
