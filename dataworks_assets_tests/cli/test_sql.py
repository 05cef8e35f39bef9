"""`dataworks sql` over a real stack: what it says of a query that fails, and what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

_PROGRAM = "from dataworks_assets.cli.main import run; run()"
_QUERY = "SELECT raise_error('mind the gap') FROM range(9)"


@pytest.fixture(scope="module")
def temporary_folder(tmp_path_factory):
    """What a process and its JVM take for the machine's /tmp, unless they are told of another."""
    return tmp_path_factory.mktemp("tmp")


def _asked(stack, *arguments, **variables):
    environment = os.environ | variables | {"DATAWORKS_HOME": str(stack.home)}
    command = [sys.executable, "-c", _PROGRAM, "sql", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def failed(stack, temporary_folder):
    """A query that Spark takes and cannot finish, asked in a process of its own."""
    elsewhere = {"TMPDIR": str(temporary_folder), "SPARK_SUBMIT_OPTS": f"-Djava.io.tmpdir={temporary_folder}"}
    return _asked(stack, _QUERY, **elsewhere)


def test_it_is_told_in_three_lines(failed):
    assert failed.returncode == 1
    what, where, remedy = failed.stderr.splitlines()
    assert what == "Error: the query failed: java.lang.RuntimeException: mind the gap"
    assert where.strip() == f"where: {_QUERY}"
    assert "dataworks status" in remedy


def test_nothing_is_left_outside_of_the_state_folder(failed, temporary_folder):
    assert list(temporary_folder.iterdir()) == []


def test_the_first_day_of_year_1_is_shown(stack):
    first = "timestamp'0001-01-01 00:00:00'"
    found = _asked(stack, "--json", f"SELECT {first} AS at, {first} AS at, array(named_struct('at', {first})) AS nested")
    shown = "0001-01-01 00:00:00"
    assert json.loads(found.stdout) == [{"at": shown, "nested": [{"at": shown}]}]
