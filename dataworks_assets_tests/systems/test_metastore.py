"""Rotating the password of the metastore's database: planned and said first, confirmed, recorded, seen to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from dagster import DagsterInstance

from dataworks_assets.config.loader import load_settings
from dataworks_assets.systems.acts import new_act
from dataworks_assets.systems.metastore_jobs import _rotating, build_metastore_jobs
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.engines.emr.world import emr_config
from dataworks_assets_tests.systems.rotating import make_setting
from spark.errors import ConfigurationError, EngineError, StoreError


@pytest.fixture
def setting(monkeypatch):
    return make_setting(monkeypatch)


def test_a_rotation_says_what_it_would_do_and_changes_nothing(setting):
    assert setting.password.plan().words == (
        "Have rotate-metastore give the database user hive another password, into the secret dataworks/metastore"
        " (never rotated). Clusters that start from then on use it; none runs with the present one"
    )
    assert setting.secrets.calls == ["DescribeSecret"]


def test_a_rotation_says_which_clusters_go_on_with_the_present_password(setting):
    setting.clusters = [f"j-{number}" for number in range(7)]
    setting.secrets.described["LastRotatedDate"] = datetime(2026, 11, 1, 8, tzinfo=UTC)
    words = setting.password.plan().words
    assert "(last rotated 2026-11-01 08:00)" in words
    assert "7 that run keep the present one until they end (j-0, j-1, j-2, j-3, j-4 and more)" in words


def test_a_rotation_is_recorded_and_seen_to_its_end(setting):
    assert setting.rotate() == "v2"
    assert setting.secrets.described["VersionIdsToStages"]["v1"] == ["AWSPREVIOUS"]
    (act,) = setting.acts()
    assert (act.what, act.by, act.identity) == ("rotate", "ann", "arn:aws:iam::1:role/operator")


def test_a_rotation_that_cannot_be_recorded_is_not_done(setting, monkeypatch):
    plan = setting.password.plan()

    def refuse(*_arguments, **_options):
        raise StoreError("no place")

    monkeypatch.setattr(setting.store, "put", refuse)
    with pytest.raises(StoreError):
        setting.password.rotate(plan, new_act(setting.platform, "rotate", {}, by="ann"))
    assert "RotateSecret" not in setting.secrets.calls


def test_a_function_that_does_not_end_is_an_error_that_says_which_password_counts(setting):
    setting.secrets.looks = 10_000
    words = r"has not ended after 180 s: version v2.*the log of rotate-metastore.*present password"
    with pytest.raises(EngineError, match=words) as caught:
        setting.rotate()
    assert not caught.value.transient


def test_a_rotation_that_has_not_ended_is_not_started_again(setting):
    setting.secrets.described["VersionIdsToStages"]["v0"] = ["AWSPENDING"]
    with pytest.raises(ConfigurationError, match="version v0 is pending"):
        setting.password.plan()


def test_a_secret_without_a_function_cannot_be_rotated(setting):
    del setting.secrets.described["RotationLambdaARN"]
    with pytest.raises(ConfigurationError, match="no rotation function"):
        setting.password.plan()


def test_a_deployment_without_hive_has_nothing_to_rotate(setting):
    setting.config = emr_config()
    with pytest.raises(ConfigurationError, match="no password to rotate"):
        setting.password.plan()


@pytest.mark.parametrize(
    ("error", "words", "transient"),
    [
        (("AccessDeniedException", "not authorized"), r"AccessDeniedException.*lambda:InvokeFunction", False),
        (("ThrottlingException", "slowly"), "ThrottlingException", True),
        (None, "does not answer", True),
    ],
)
def test_what_secrets_manager_refuses_is_said_with_the_remedy(setting, error, words, transient):
    answer = {"Error": {"Code": error[0], "Message": error[1]}} if error else {}
    setting.secrets.error = ClientError(answer, "DescribeSecret") if error else EndpointConnectionError(endpoint_url="x")
    with pytest.raises(EngineError, match=words) as caught:
        setting.password.plan()
    assert caught.value.transient == transient


def run_job(setting, **config):
    """Runs the job as the UI does; returns whether it succeeded, and all that Dagster kept of it."""
    with DagsterInstance.ephemeral() as instance:
        result = _rotating.execute_in_process(
            run_config={"ops": {"rotate_metastore_password": {"config": {"by": "ann", **config}}}},
            resources={"platform": setting.platform},
            instance=instance,
            raise_on_error=False,
        )
        return result.success, " ".join(str(entry) for entry in instance.all_logs(result.run_id))


def test_in_the_ui_nothing_is_done_before_the_phrase_was_typed(setting):
    success, said = run_job(setting, confirmation="yes")
    assert (success, setting.acts(), "RotateSecret" in setting.secrets.calls) == (False, [], False)
    assert "Type `rotate dataworks/metastore` as the confirmation" in said


def test_in_the_ui_a_dry_run_says_what_would_be_done(setting):
    success, said = run_job(setting, dry_run=True)
    assert (success, setting.acts(), "RotateSecret" in setting.secrets.calls) == (True, [], False)
    assert "Have rotate-metastore give the database user hive another password" in said


def test_in_the_ui_the_typed_phrase_has_it_done_by_whoever_is_kept(setting):
    success, said = run_job(setting, confirmation="rotate dataworks/metastore")
    assert success, said
    assert "version v2 is current" in said
    (act,) = setting.acts()
    assert (act.by, act.about, act.via.startswith("run ")) == ("ann", {"secret": "dataworks/metastore"}, True)


def test_nobody_reads_the_password(setting):
    run_job(setting, confirmation="rotate dataworks/metastore")
    assert set(setting.secrets.calls) == {"DescribeSecret", "RotateSecret"}


def test_the_job_is_there_where_there_is_a_password_to_rotate(monkeypatch):
    settings = load_settings("emulated")
    assert build_metastore_jobs(Platform(settings)) == []
    engine = settings.deployment.engine.model_copy(update={"emr": make_setting(monkeypatch).config})
    with_hive = replace(settings, deployment=settings.deployment.model_copy(update={"engine": engine}))
    assert [job.name for job in build_metastore_jobs(Platform(with_hive))] == ["metastore_rotate_password"]
