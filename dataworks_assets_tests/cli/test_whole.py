"""The commands over the real stack: a sample is written, run, looked at and queried."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from dataworks_assets.cli.main import app
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.systems.platform import Platform

DAY = "2026-11-05"
"""A day that no other test's sample has."""


@pytest.fixture(scope="module")
def run(stack):
    """Runs a command and returns what it wrote to the standard output."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DAGSTER_HOME", raising=False)
        workplace = Workplace()
        workplace.settings = load_settings("local", environment=Environment(home=stack.home))
        workplace.platform = Platform(workplace.settings.resolved(stack))

        def invoke(*arguments):
            result = CliRunner().invoke(app, arguments, obj=workplace, catch_exceptions=False)
            assert result.exit_code == 0, result.output
            return result.stdout

        yield invoke


@pytest.fixture(scope="module")
def published(run):
    """A day of two collections, through Dagster and spark-submit."""
    topics = ("--topic", "db.core.toDo", "--topic", "db.core.contract")
    run("sample", "write", "--from", DAY, "--days", "1", "--scale", "0.01", "--type", "full", *topics)
    return json.loads(run("adg", "run", "--day", DAY, "-c", "core/toDo", "-c", "core/contract", "--json"))[0]


def test_the_run_published_both(published):
    assert published["succeeded"]
    assert {(day["collection"], day["state"]) for day in published["days"]} == {
        ("core/toDo", "published"),
        ("core/contract", "published"),
    }


def test_a_second_run_has_nothing_to_do(run, published):
    assert "Nothing had to be done" in run("adg", "run", "--day", DAY, "-c", "core/toDo", "-c", "core/contract")


def test_the_status_is_what_dagster_was_told(run, published):
    (found,) = json.loads(run("status", "core/toDo", "--type", "full", "--day", DAY, "--json"))
    (day,) = found["days"]
    assert (day["state"], day["reported_in_dagster"]) == ("published", True)


def test_the_schema_comes_from_what_was_published(run, published):
    assert "type: timestamp" in run("schema", "infer", "core/toDo", "--day", DAY)


def test_the_export_itself_gives_the_same_schema(run, published):
    def columns(*arguments):
        return run("schema", "infer", "core/toDo", "--day", DAY, *arguments).partition("columns:")[2]

    assert columns("--exported") == columns()


_SQL = """
import sys
from pathlib import Path
from dataworks_assets.cli.main import app
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.stack.state import load_state
from dataworks_assets.systems.platform import Platform
home = Path(sys.argv[1])
workplace = Workplace()
workplace.settings = load_settings("local", environment=Environment(home=home))
workplace.platform = Platform(workplace.settings.resolved(load_state(home)))
app(sys.argv[2:], obj=workplace)
"""
"""In a process of its own: the Spark session of this one is other tests'."""


def test_a_query_reads_the_rows_as_hive_would(stack, published):
    rows = {day["collection"]: day["rows"] for day in published["days"]}
    also = "TIMESTAMP '2026-07-01 12:00:00' AS noon, array(struct(1 AS one)) AS nested"
    query = f"SELECT count(*) AS n, {also} FROM analytical_dataset_generation.core_contract_history WHERE export_date = '{DAY}'"
    arguments = [sys.executable, "-c", _SQL, str(stack.home), "sql", query, "--json", "--hive-reader"]
    elsewhere = os.environ | {"TZ": "Asia/Tokyo"}
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=elsewhere)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert row == {"n": rows["core/contract"], "noon": "2026-07-01 12:00:00", "nested": [{"one": 1}]}
