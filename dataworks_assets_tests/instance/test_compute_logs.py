"""Logs of steps reach S3 also where its address and credentials are told only after Dagster's instance was opened."""

from __future__ import annotations

import pytest
from dagster import DagsterInstance

from dataworks_assets.instance.compute_logs import LateS3ComputeLogManager


@pytest.fixture
def bare(monkeypatch):
    """An environment without any address or credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def test_the_client_is_that_of_the_environment_as_it_is_when_a_log_is_sent(bare):
    manager = LateS3ComputeLogManager(bucket="logs")
    bare.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    bare.setenv("AWS_ACCESS_KEY_ID", "key")
    bare.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    url = manager._s3_session.generate_presigned_url("get_object", Params={"Bucket": "logs", "Key": "step.out"})
    assert url.startswith("http://127.0.0.1:1/logs/step.out")
    assert "AWSAccessKeyId=key&" in url or "X-Amz-Credential=key%2F" in url  # as the signature's version has it


def test_the_client_stays_while_the_environment_does(bare):
    manager = LateS3ComputeLogManager(bucket="logs")
    assert manager._s3_session is manager._s3_session


def test_it_is_the_one_that_this_machines_set_up_names(tmp_path, bare):
    from dataworks_assets.cli.dagster_home import PROJECT_FOLDER

    (tmp_path / "dagster.yaml").write_text((PROJECT_FOLDER / "dagster.yaml").read_text())
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        assert isinstance(instance.compute_log_manager, LateS3ComputeLogManager)
