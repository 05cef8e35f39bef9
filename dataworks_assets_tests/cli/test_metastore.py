"""`dataworks metastore rotate`: says what it would do, asks, does it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from dataworks_assets.cli.main import app
from dataworks_assets.systems import metastore
from dataworks_assets.systems.acts import read_acts
from dataworks_assets_tests.systems.rotating import CONTROL, make_setting


@pytest.fixture
def rotating(bench, monkeypatch):
    """The bench with a secret that has a function."""
    setting, platform = make_setting(monkeypatch), bench.workplace.platform
    monkeypatch.setattr(type(platform), "secrets", lambda self, region: setting.secrets)
    monkeypatch.setattr(type(platform), "caller_identity", lambda self: "arn:aws:iam::1:user/ann")
    monkeypatch.setattr(metastore, "_LOOK_SECONDS", 0.0)
    return setting.secrets


def test_a_dry_run_says_what_it_would_do_and_does_nothing(bench, rotating):
    shown = bench("metastore", "rotate", "--dry-run")
    assert "Have rotate-metastore give the database user hive another password" in shown
    assert "A dry run: nothing was done" in shown
    assert rotating.calls == ["DescribeSecret"]


def test_it_asks_first(bench, rotating):
    result = CliRunner().invoke(app, ["metastore", "rotate"], obj=bench.workplace, input="n\n")
    assert (result.exit_code, rotating.calls) == (1, ["DescribeSecret"])


def test_it_is_done_and_kept_with_the_identity(bench, rotating):
    result = CliRunner().invoke(app, ["metastore", "rotate"], obj=bench.workplace, input="y\n")
    assert "Rotated: version v2 of dataworks/metastore is current." in result.output
    (act,) = read_acts(bench.lake.store, CONTROL)
    assert (act.what, act.identity, act.via) == ("rotate", "arn:aws:iam::1:user/ann", "command line")
