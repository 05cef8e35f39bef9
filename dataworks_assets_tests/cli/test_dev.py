"""`dataworks dev` where Dagster runs already on this machine's state folder: nothing is started, its address is said."""

from __future__ import annotations

import os

import pytest

from dataworks_assets.cli import dagster_dev
from dataworks_assets.cli.webserver import Webserver, find_webserver, remember

URL = "http://127.0.0.1:3007"


@pytest.fixture
def running(tmp_path, monkeypatch):
    """The folder of a Dagster that runs; starting another one fails the test."""
    monkeypatch.setattr(dagster_dev, "dagster_dev", lambda *_, **__: pytest.fail("a second Dagster was started"))
    monkeypatch.setattr("dataworks_assets.cli.workplace.Workplace.child_environment", lambda _: {})
    folder = tmp_path / "dagster"
    folder.mkdir()
    remember(folder, Webserver(url=URL, pid=os.getpid()))
    return folder


def test_its_address_is_said(bench, running):
    assert f"Dagster's UI runs already: {URL}" in bench("dev")


def test_later_commands_find_it_still(bench, running):
    bench("dev")
    assert find_webserver(running).url == URL
