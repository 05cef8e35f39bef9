from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from typer.testing import CliRunner

from dataworks_assets.cli import certificates
from dataworks_assets.cli.sample import app, sample_request
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.stack.key_server import serve
from spark.contract import KeyServiceSettings
from spark.errors import ConfigurationError
from spark.store import ObjectStore

SMALL = ["write", "--system", "adg", "--from", "2026-11-20", "--days", "1", "--scale", "0.01"]


class Topics:
    """Keeps what is published."""

    def __init__(self):
        self.published = []

    def publish(self, **message):
        self.published.append(message)


class MemoryStore(ObjectStore):
    """Takes `s3://` addresses too, and writes nothing anywhere else."""

    def _uri(self, bucket, key):
        return f"s3://{bucket}/{key}"


@pytest.fixture
def workplace(tmp_path):
    """A workplace on the local deployment, with a store in memory and a key service of its own."""
    settings = load_settings("local", environment=Environment())
    topics = {kind: {"topic": f"arn-of-{kind}"} for kind in ("full", "incremental")}
    exports = settings.deployment.exports.model_copy(
        update={kind: getattr(settings.deployment.exports, kind).model_copy(update=topic) for kind, topic in topics.items()}
    )
    deployment = settings.deployment.model_copy(update={"exports": exports})
    platform = Platform(settings)
    with serve(tmp_path) as server:
        certificates = server.certificates
        platform.__dict__.update(
            running=settings.__class__(deployment, settings.collections, settings.environment),
            store=MemoryStore.in_memory(),
            topics=Topics(),
            key_service_settings=KeyServiceSettings(
                url=server.url,
                ca_path=str(certificates.ca),
                certificate_path=str(certificates.client),
                private_key_path=str(certificates.client_key),
            ),
        )
        made = Workplace(console=Console(file=io.StringIO(), width=120), notes=Console(file=io.StringIO()))
        made.__dict__.update(platform=platform, settings=settings)
        yield made


def run(workplace, *arguments) -> str:
    result = CliRunner().invoke(app, [*SMALL, *arguments], obj=workplace, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return workplace.console.file.getvalue() + result.stdout


def test_what_was_written_is_shown_by_topic(workplace):
    shown = run(workplace)
    assert "db.penalties-and-deductions.sanction" in shown
    assert "not configured" in shown
    assert "2 exports written" in shown


def test_a_second_call_writes_nothing(workplace):
    run(workplace)
    assert "0 exports written" in run(workplace)
    assert "2 there already" in run(workplace)


def test_bad_input_is_there_when_asked_for(workplace):
    assert "db.broken" not in run(workplace)
    assert "bad on purpose: quarantine" in run(workplace, "--bad")


def test_json_is_for_scripts(workplace):
    (export,) = json.loads(run(workplace, "--json", "--type", "full", "--topic", "db.core.toDo"))
    assert (export["export_date"], export["topics"][0]["rows"], export["is_new"]) == ("2026-11-20", 80, True)


def test_completion_messages_are_sent_when_asked_for(workplace):
    run(workplace, "--announce", "--topic", "db.core.toDo")
    sent = [(message["TopicArn"], "2026-11-20" in message["Message"]) for message in workplace.platform.topics.published]
    assert sent == [("arn-of-full", True), ("arn-of-incremental", True)]


def test_nothing_is_sent_otherwise(workplace):
    run(workplace, "--topic", "db.core.toDo")
    assert workplace.platform.topics.published == []


def test_no_sample_is_written_to_production(workplace):
    deployment = workplace.settings.deployment.model_copy(update={"environment": "production"})
    with pytest.raises(ConfigurationError, match="no sample is written"):
        sample_request(deployment, [date(2026, 11, 20)])


@pytest.fixture
def without_certificates(workplace, monkeypatch):
    """The workplace where the certificates are on clusters' nodes alone; returns the secret that those are given."""
    platform, settings = workplace.platform, workplace.platform.key_service_settings
    paths = {"ca": settings.ca_path, "certificate": settings.certificate_path, "private_key": settings.private_key_path}
    secret = {name: Path(path).read_text(encoding="utf-8") for name, path in paths.items()}
    running, engine = platform.running, load_settings("aws", read_secret=lambda _: '{"collections_all": {}}').deployment.engine
    deployment = running.deployment.model_copy(update={"engine": engine})
    elsewhere = {f"{name}_path": f"/nowhere/{name}.pem" for name in paths}
    platform.__dict__.update(
        running=running.__class__(deployment, running.collections, running.environment),
        key_service_settings=msgspec.structs.replace(settings, **elsewhere),
    )
    secrets = {engine.emr.key_service_secret: secret}
    monkeypatch.setattr(certificates, "secrets_manager", lambda _: lambda name: json.dumps(secrets[name]))
    return secret


def test_where_nodes_alone_have_certificates_the_sample_is_written_with_those_of_their_secret(workplace, without_certificates):
    with certificates.key_service_here(workplace.platform) as settings:
        key = Path(settings.private_key_path)
        assert key.read_text(encoding="utf-8") == without_certificates["private_key"]
        assert key.parent.stat().st_mode & 0o077 == 0
    assert not key.exists()
    assert "2 exports written" in run(workplace)


def test_a_secret_of_another_shape_is_told_without_its_text(workplace, without_certificates):
    del without_certificates["certificate"]
    with pytest.raises(ConfigurationError, match="has not the expected shape") as told:
        run(workplace)
    assert "PRIVATE KEY" not in repr(told.getrepr())
