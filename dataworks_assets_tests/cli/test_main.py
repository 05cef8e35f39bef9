"""The list of commands answers at once, every command explains itself, and an error is one that can be acted on."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from dataworks_assets.cli import main
from dataworks_assets.cli.main import Commands, app, error_text
from spark.errors import ConfigurationError, StoreError


def test_the_list_names_every_command():
    shown = CliRunner().invoke(app, ["--help"]).output
    assert all(f" {name} " in shown for name in Commands.known)


def test_the_list_imports_nothing_heavy():
    code = (
        "import sys\nfrom dataworks_assets.cli.main import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        "print([name for name in ('dagster', 'pyspark', 'boto3', 'pyarrow', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", Commands.known)
def test_every_command_has_a_help_text(name):
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0
    assert "install-completion" not in shown.output


@pytest.mark.parametrize(
    "name",
    sorted(
        set(Commands.known)
        - {
            "stack",
            "sample",
            "config",
            "adg",
            "kickstart",
            "schema",
            "ledger",
            "infrastructure",
            "deploy",
            "clusters",
            "metastore",
        }
    ),
)
def test_every_help_text_has_an_example(name):
    shown = CliRunner().invoke(app, [name, "--help"]).output
    assert "Example" in shown
    assert f"dataworks {name}" in shown


def test_an_unknown_command_is_told_with_the_nearest_one():
    shown = CliRunner().invoke(app, ["demoo"])
    assert shown.exit_code == 2
    assert "Did you mean 'demo'?" in shown.output


def test_an_error_tells_what_where_and_remedy():
    text = error_text(StoreError("access refused", where="s3://a/b", remedy="Ask for it")).plain
    assert text.splitlines() == ["Error: access refused", "  where: s3://a/b", "  remedy: Ask for it"]


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [(["-d", "emulated"], "dataworks -d emulated status"), ([], "dataworks status")],
)
def test_an_advised_command_names_the_deployment_that_was_named(arguments, typed, monkeypatch):
    monkeypatch.delenv("DATAWORKS_DEPLOYMENT", raising=False)
    CliRunner().invoke(app, [*arguments, "config", "--help"])
    said = str(error_text(ConfigurationError("no", remedy="`dataworks status` shows it; dataworks is there")))
    assert f"`{typed}` shows it; dataworks is there" in said


@pytest.fixture
def failing(monkeypatch):
    def fail() -> None:
        raise StoreError("access refused", where="s3://a/b")

    broken = typer.Typer()
    broken.command()(fail)
    monkeypatch.setattr(main, "app", lambda: broken([]))


def test_an_error_ends_with_exit_code_one(failing, capsys, monkeypatch):
    monkeypatch.delenv("DATAWORKS_TRACEBACK", raising=False)
    with pytest.raises(SystemExit, match="1"):
        main.run()
    assert "access refused" in capsys.readouterr().err


def test_a_traceback_is_there_for_who_asks(failing, monkeypatch):
    monkeypatch.setenv("DATAWORKS_TRACEBACK", "1")
    with pytest.raises(StoreError):
        main.run()
