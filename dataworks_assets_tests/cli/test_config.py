import pytest
import yaml
from typer.testing import CliRunner

from dataworks_assets.cli.config import app
from spark.errors import ConfigurationError


@pytest.fixture
def run(monkeypatch):
    for name in ("DATAWORKS_DEPLOYMENT", "DATAWORKS_CONFIG", "DATAWORKS_OPTIONS"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: CliRunner().invoke(app, arguments, catch_exceptions=False, env={"COLUMNS": "200"})


def test_check_shows_what_is_configured(run):
    done = run("check")
    assert done.exit_code == 0
    assert "penalties-and-deductions/sanction" in done.stdout
    assert "Nothing is wrong" in done.stdout


def test_check_tells_what_is_wrong(run, tmp_path, monkeypatch):
    (tmp_path / "collections").mkdir()
    (tmp_path / "collections" / "mine.yaml").write_text("collections:\n  db.core.x: {layuot: raw}\n")
    monkeypatch.setenv("DATAWORKS_CONFIG", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"mine.yaml:2: unknown key 'layuot'"):
        run("check")


def test_show_is_yaml_of_the_deployment(run):
    assert yaml.safe_load(run("show").stdout)["exports"]["settle_minutes"] == 0


def test_show_tells_what_a_job_gets_of_a_collection(run):
    shown = yaml.safe_load(run("show", "core/statement").stdout)
    assert list(shown) == ["adg_full/core/statement", "adg_incremental/core/statement"]
    assert shown["adg_full/core/statement"]["tables"][0]["name"] == "core_statement_history"


def test_a_partners_collections_are_shown_too(run):
    assert "vacancy/vacancies" in run("check").stdout
    (shown,) = yaml.safe_load(run("show", "kickstart/vacancy/vacancies").stdout).items()
    assert (shown[0], shown[1]["module"]) == ("kickstart/vacancy/vacancies", "vacancy")


def test_show_names_the_nearest_collection(run):
    with pytest.raises(ConfigurationError, match="Did you mean 'core/statement'"):
        run("show", "core/statment")


def test_schema_writes_all_schemas(run, tmp_path):
    run("schema", str(tmp_path))
    names = ["collections.schema.json", "deployment.schema.json", "partner.schema.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
