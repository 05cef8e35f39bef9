"""`dataworks stack` shows what runs, and its exit code says whether all does."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from dataworks_assets.cli.stack import app


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_status_shows_every_service_with_its_address(run, stack):
    shown = run("status", "--home", str(stack.home))
    assert shown.exit_code == 0
    for address in (stack.s3_endpoint, stack.aws_endpoint, stack.metastore_uri, stack.key_service_url):
        assert address in shown.output


def test_status_says_who_listens_on_all_addresses(run, stack):
    assert "every address of this machine" in run("status", "--home", str(stack.home)).output


def test_status_of_no_stack_says_how_to_start_one(run, tmp_path):
    shown = run("status", "--home", str(tmp_path))
    assert shown.exit_code == 1
    assert "dataworks stack up" in shown.output


def test_ending_what_does_not_run_is_no_error(run, tmp_path):
    assert run("down", "--home", str(tmp_path)).exit_code == 0


def test_a_service_that_is_none_on_demand_is_refused_by_name(run, tmp_path):
    shown = run("up", "--home", str(tmp_path), "--with", "emq")
    assert shown.exit_code == 2
    assert "'emq' is no service on demand" in shown.output
