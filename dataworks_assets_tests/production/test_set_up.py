"""Production's set-up of Dagster: read by Dagster itself, over a real PostgreSQL; without any name or secret in a file."""

import re
import stat

import pytest
import yaml
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from troposphere import ecs

from dataworks_assets.infrastructure.templates.dagster import dagster
from dataworks_assets.stack.certificates import ensure_certificates
from dataworks_assets_tests.production.services import START, start_once


def variables(text):
    return set(re.findall(r"\{env: (\w+)\}", text))


@pytest.fixture
def folder(project):
    return project / "production"


def test_dagster_takes_every_part_of_it(environment, opened):
    instance = opened(environment)
    queue = instance.get_concurrency_config().run_queue_config
    assert (queue.max_concurrent_runs, queue.max_user_code_failure_retries) == (8, 60)
    assert queue.tag_concurrency_limits == [{"key": "dagster/backfill", "limit": 4}]
    assert instance.run_monitoring_enabled
    assert instance.run_monitoring_max_runtime_seconds == 43200
    assert instance.run_retries_max_retries == 2
    assert instance.run_launcher.supports_check_run_worker_health
    assert type(instance.compute_log_manager).__name__ == "S3ComputeLogManager"
    assert instance.telemetry_enabled is False


def test_a_server_that_no_authority_vouches_for_is_not_talked_to(environment, opened, monkeypatch, tmp_path):
    engine = create_engine(opened(environment).run_storage.postgres_url)
    engine.connect().close()
    monkeypatch.setenv("PGSSLROOTCERT", str(ensure_certificates(tmp_path).ca))
    engine.dispose()
    with pytest.raises(OperationalError, match="certificate verify failed"):
        engine.connect()


def test_every_name_and_secret_is_a_variable(folder):
    database = yaml.safe_load((folder / "dagster.yaml").read_text())["storage"]["custom"]["config"]
    named = {key for key, value in database["postgres_db"].items() if isinstance(value, dict) and set(value) == {"env"}}
    assert named == {"hostname", "port", "db_name", "username", "password"}
    assert set(database["password_secret"]) == {"env"}


def test_every_variable_is_explained_and_asked_for(folder):
    used = variables((folder / "dagster.yaml").read_text()) | variables((folder / "workspace.yaml").read_text())
    explained = set(re.findall(r"^\| `([A-Z_]{3,})` \|", (folder / "README.md").read_text(), flags=re.MULTILINE))
    asked_for = set(re.findall(r"\b(?:DAGSTER_POSTGRES|DATAWORKS|PGSSL)_?[A-Z_]+\b", START.read_text()))
    assert used <= explained
    assert asked_for == explained


def test_a_service_that_lacks_variables_names_all_of_them(environment):
    done = start_once("daemon", {name: value for name, value in environment.items() if name != "DAGSTER_POSTGRES_PASSWORD"})
    assert done.returncode == 2
    assert "DAGSTER_POSTGRES_PASSWORD DATAWORKS_CODE_SERVER_HOST (" in done.stderr


def test_a_command_runs_over_productions_instance(environment):
    code = "from dagster import DagsterInstance; print(DagsterInstance.get().run_storage.postgres_url.partition(':')[0])"
    done = start_once("exec", environment, "python", "-c", code)
    assert done.stdout.strip() == "postgresql+psycopg2", done.stderr


def test_an_unknown_service_is_refused():
    assert start_once("everything", {}).returncode == 2


def test_the_image_is_built_from_files_that_are_there(project):
    lines = (project / "production" / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY") and "--from" not in line]
    sources = [source for copy in copies for source in copy if not source.startswith("--")]
    assert {"requirements.lock", "production"} <= {source.rstrip("/") for source in sources}
    assert [source for source in sources if not (project / source).exists()] == []


def test_the_image_starts_what_the_infrastructure_asks_for(project):
    text = (project / "production" / "Containerfile").read_text()
    assert "ENTRYPOINT" not in text
    assert re.search(r"^WORKDIR /app$", text, flags=re.MULTILINE)
    assert "--require-hashes" in text
    assert re.search(r"^USER (?!root|0)", text, flags=re.MULTILINE)
    for name, container in containers().items():
        said = {each.Name: each.Value for each in container.Environment}
        assert container.Command == ["production/start", name]
        assert (project / container.Command[0]).stat().st_mode & stat.S_IXUSR
        assert f" {said['PGSSLROOTCERT']}\n" in text


def test_the_infrastructure_gives_each_service_what_it_needs(environment):
    for name, container in containers().items():
        given = {each.Name for each in container.Environment}
        stand_ins = {each: environment.get(each) or "here" for each in given}
        done = start_once(name, {each: value for each, value in stand_ins.items() if each != "DATAWORKS_LOGS_BUCKET"})
        assert "not set in its environment: DATAWORKS_LOGS_BUCKET (" in done.stderr


def containers():
    tasks = dagster().resources.values()
    return {each.Name: each for task in tasks if isinstance(task, ecs.TaskDefinition) for each in task.ContainerDefinitions}
