"""The state of the embedded stack, in one folder: addresses, credentials, ports, processes.

`load_state` only reads one file, so anything may call it. Starting, ending and looking at processes belong to
`lifecycle` and `processes`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from dataworks_assets.infrastructure.names import Names
from spark.errors import StackError

REGION: Final = "eu-west-2"
NAMES: Final = Names()
"""The name prefix of an installation that does not set its own."""
INPUT_BUCKET = NAMES.input_bucket
MANIFEST_BUCKET = NAMES.manifest_bucket
OUTPUT_BUCKET = NAMES.output_bucket
LOG_BUCKET = NAMES.log_bucket
BUCKETS = NAMES.buckets

ACCESS_KEY = "dataworks"
SECRET_KEY = "dataworks-local"  # noqa: S105 - opens nothing but the embedded stack on the loopback address
_STATE_FILE = "stack.json"


class ProcessRecord(BaseModel):
    """A process of the stack. `started` is its start in seconds since the epoch, by which a recycled pid is recognised."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int
    started: float
    command: tuple[str, ...]


class ServiceRecord(BaseModel):
    """A service as it was last started; `process` None after it was stopped."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    ports: dict[str, int]
    log_path: Path
    process: ProcessRecord | None = None


class StackState(BaseModel):
    """Everything needed to reach the stack's services, and to end them.

    Addresses stay the same from one start to the next if their ports are still free. The state does not say whether a
    service is running.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    home: Path
    java_home: Path
    jars_directory: Path
    services: dict[str, ServiceRecord] = {}
    region: str = REGION
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    s3_endpoint: str = ""
    aws_endpoint: str = ""
    metastore_uri: str = ""
    key_service_url: str = ""
    ca_path: Path
    client_certificate_path: Path
    client_key_path: Path
    completion_topic_arns: dict[str, str] = {}
    """ARN of the topic of the export's completion messages, by snapshot type (`full`, `incremental`)."""
    notice_topic_arn: str = ""
    pushgateway_url: str | None = None
    """None if no Pushgateway is installed on this machine, or none was requested."""
    prometheus_url: str | None = None
    """None under the same conditions as for the Pushgateway."""
    ledger_topic_arns: dict[str, str] = {}
    """ARN of the topics by which downstream is told of complete days: `completion`, `pdm`."""
    message_queue_url: str = ""
    emr_endpoint: str = ""
    """Address of the emulated EMR; empty if nobody requested it."""

    def environment(self) -> dict[str, str]:
        """Returns the variables a child process needs: credentials, endpoints, Java, the loopback address for Spark."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_ENDPOINT_URL": self.aws_endpoint,
            "AWS_ENDPOINT_URL_S3": self.s3_endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "DATAWORKS_HOME": str(self.home),
            "JAVA_HOME": str(self.java_home),
            "SPARK_LOCAL_IP": "127.0.0.1",
        }

    def spark_conf(self) -> dict[str, str]:
        """Returns the Spark settings for this stack's S3 (under `s3://` and `s3a://`), its metastore and its jars."""
        class_path = str(self.jars_directory / "*")
        s3a = "org.apache.hadoop.fs.s3a.S3AFileSystem"
        return {
            "spark.driver.extraClassPath": class_path,
            "spark.executor.extraClassPath": class_path,
            "spark.sql.catalogImplementation": "hive",
            "spark.sql.warehouse.dir": f"file:{self.home / 'warehouse'}",
            "spark.hadoop.hive.metastore.uris": self.metastore_uri,
            "spark.hadoop.fs.s3.impl": s3a,
            "spark.hadoop.fs.s3a.impl": s3a,
            "spark.hadoop.fs.s3a.endpoint": self.s3_endpoint,
            "spark.hadoop.fs.s3a.endpoint.region": self.region,
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
            "spark.hadoop.fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
            "spark.hadoop.fs.s3a.access.key": self.access_key,
            "spark.hadoop.fs.s3a.secret.key": self.secret_key,
        }


def default_home(environment: Mapping[str, str]) -> Path:
    """Returns the state folder: `DATAWORKS_HOME`, else `.dataworks` beside the code."""
    set_home = environment.get("DATAWORKS_HOME")
    return Path(set_home).resolve() if set_home else Path(__file__).resolve().parents[2] / ".dataworks"


def load_state(home: Path) -> StackState | None:
    """Returns the state of the stack in a folder; None if none was ever started there.

    Raises:
        StackError: the folder's `stack.json` is not readable as such.
    """
    path = home / _STATE_FILE
    try:
        return StackState.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise StackError(
            f"the stack's state cannot be read: {error.error_count()} errors, first: {error.errors()[0]['msg']}",
            where=str(path),
            remedy="Move the file away and run `make stack`: services left over from it are found and ended",
        ) from error


def save_state(state: StackState) -> None:
    """Writes the state atomically, readable only by its owner."""
    path = state.home / _STATE_FILE
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(state.model_dump_json(indent=2))
    fresh.replace(path)
