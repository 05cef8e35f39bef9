"""The password of Dagster's database, out of a secret that is rotated while Dagster runs."""

import json
import uuid

import boto3
import pytest
from dagster_postgres.utils import DagsterPostgresException

from dataworks_assets.instance import storage
from spark.errors import ConfigurationError


class Rotation:
    """A role of the database whose password is in a secret."""

    def __init__(self, postgres, url):
        self.postgres = postgres
        self.name = f"rotated_{uuid.uuid4().hex[:8]}"
        self.secrets = boto3.client(
            "secretsmanager", endpoint_url=url, region_name="eu-west-2", aws_access_key_id="test", aws_secret_access_key="test"
        )
        postgres.run("psql", "--dbname", "postgres", "--command", f"CREATE ROLE {self.name} LOGIN PASSWORD 'one'")
        postgres.run("createdb", "--owner", self.name, self.name)
        self.secrets.create_secret(Name=self.name, SecretString=json.dumps({"username": self.name, "password": "one"}))

    def rotate(self, password):
        self.postgres.run("psql", "--dbname", "postgres", "--command", f"ALTER ROLE {self.name} PASSWORD '{password}'")
        self.tell(password=password)

    def tell(self, **document):
        self.secrets.put_secret_value(SecretId=self.name, SecretString=json.dumps(document))


@pytest.fixture
def rotation(postgres, s3_url):
    return Rotation(postgres, s3_url)


@pytest.fixture
def rotated(environment, rotation, s3_url):
    """Production's environment with a secret in the place of the password."""
    said = {"DAGSTER_POSTGRES_USER": rotation.name, "DAGSTER_POSTGRES_DB": rotation.name, "DAGSTER_POSTGRES_PASSWORD": ""}
    return environment | said | {"DAGSTER_POSTGRES_SECRET": rotation.name, "AWS_ENDPOINT_URL": s3_url}


def test_new_connections_take_the_present_password(rotated, rotation, opened, monkeypatch):
    monkeypatch.setattr(storage, "KEPT_SECONDS", 0)
    instance = opened(rotated)
    assert instance.get_runs_count() == 0
    rotation.rotate("two")
    assert instance.get_runs_count() == 0


def test_the_old_password_alone_does_not_do(rotated, rotation, opened):
    rotation.rotate("two")
    fixed = rotated | {"DAGSTER_POSTGRES_SECRET": "", "DAGSTER_POSTGRES_PASSWORD": "one"}
    with pytest.raises(DagsterPostgresException, match="too many retries"):
        opened(fixed).get_runs_count()


def test_a_secret_without_a_password_is_named(rotated, rotation, opened):
    rotation.tell(username="dagster")
    with pytest.raises(ConfigurationError, match=rf"{rotation.name}: the secret has no `password`"):
        opened(rotated).get_runs_count()
