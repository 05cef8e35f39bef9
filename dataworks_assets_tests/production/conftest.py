"""One PostgreSQL a session; S3 for logs by moto; production's own set-up of Dagster over both."""

from __future__ import annotations

import uuid

import boto3
import pytest
import yaml
from dagster import DagsterInstance

from dataworks_assets_tests.production.postgres import running_postgres
from dataworks_assets_tests.stack.emulation import emulated_aws

BUCKET = "production-logs"
_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-west-2"}


@pytest.fixture(scope="session")
def postgres():
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def s3_url():
    with emulated_aws() as url:
        s3(url).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
        yield url


def s3(url):
    return boto3.client("s3", endpoint_url=url, region_name="eu-west-2", aws_access_key_id="test", aws_secret_access_key="test")


def production_environment(postgres, s3_url, folder, database):
    """What the services get, over an empty database of their own."""
    postgres.create_database(database)
    return {
        **postgres.environment(database),
        **_KEYS,
        "AWS_ENDPOINT_URL_S3": s3_url,
        "DATAWORKS_LOGS_BUCKET": BUCKET,
        "DATAWORKS_SCRATCH": str(folder / "scratch"),
    }


AT_ONCE = 2
"""Runs of one backfill, here."""


def hasty_home(folder, project):
    """A copy of production's set-up that looks for dead runs and for the code server every second, and not every half minute.

    Fewer runs of a backfill at once make some of them wait in the queue, with few of them in all.
    """
    home = folder / "home"
    home.mkdir()
    set_up = yaml.safe_load((project / "production" / "dagster.yaml").read_text())
    set_up["run_monitoring"]["poll_interval_seconds"] = 1
    set_up["run_queue"] |= {"user_code_failure_retry_delay": 1, "dequeue_interval_seconds": 1}
    (limit,) = set_up["concurrency"]["runs"]["tag_concurrency_limits"]
    limit["limit"] = AT_ONCE
    (home / "dagster.yaml").write_text(yaml.safe_dump(set_up))
    return home


@pytest.fixture
def environment(postgres, s3_url, tmp_path):
    return production_environment(postgres, s3_url, tmp_path, f"dagster_{uuid.uuid4().hex[:8]}")


@pytest.fixture
def opened(project, monkeypatch):
    """Opens the instance of an environment, as a command on a production machine would."""
    instances = []

    def open_it(environment, home=None):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        instances.append(DagsterInstance.from_config(str(home or project / "production")))
        return instances[-1]

    yield open_it
    for instance in instances:
        instance.dispose()
