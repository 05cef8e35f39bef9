"""`dagster dev` as our process: known while it answers, ended with everything it started. A small server stands in for it."""

from __future__ import annotations

import sys

import psutil
import pytest
import requests

from dataworks_assets.cli import dagster_dev as module
from dataworks_assets.cli.dagster_dev import dagster_dev
from dataworks_assets.cli.webserver import find_webserver
from spark.errors import StackError

_SERVER = """
import http.server, signal, subprocess, sys
child = subprocess.Popen(["sleep", "600"])
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/server_info" else 404)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    def command(url):
        return [sys.executable, "-c", _SERVER, url.rpartition(":")[2]]

    monkeypatch.setattr(module, "_command", command)
    return lambda: dagster_dev(tmp_path, {"PATH": "/usr/bin:/bin"}, log_path=tmp_path / "log")


def test_it_answers_while_the_block_runs(start):
    with start() as running:
        assert requests.get(f"{running.url}/server_info", timeout=5).ok


def test_later_commands_find_it(start, tmp_path):
    with start() as running:
        found = find_webserver(tmp_path)
        assert found is not None
        assert found.url == running.url
    assert find_webserver(tmp_path) is None


def test_nothing_of_it_is_left(start):
    with start() as running:
        family = [psutil.Process(running.process.pid), *psutil.Process(running.process.pid).children(recursive=True)]
        assert len(family) == 2
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


def test_an_interrupt_ends_it(start):
    with pytest.raises(KeyboardInterrupt), start() as running:
        raise KeyboardInterrupt
    assert running.process.poll() is not None


def test_one_that_ends_at_once_says_what_its_log_says(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_command", lambda _: [sys.executable, "-c", "raise SystemExit('no such workspace')"])
    with pytest.raises(StackError, match="no such workspace"), dagster_dev(tmp_path, {}, log_path=tmp_path / "log"):
        pass
