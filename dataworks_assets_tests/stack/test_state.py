"""The stack's state is read without touching anything, and says what children need."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworks_assets.stack.state import StackState, default_home, load_state, save_state
from spark.errors import StackError


@pytest.fixture
def state(tmp_path):
    paths = {name: tmp_path / name for name in ("ca_path", "client_certificate_path", "client_key_path")}
    return StackState(
        home=tmp_path,
        java_home=Path("/java"),
        jars_directory=tmp_path / "jars",
        s3_endpoint="http://127.0.0.1:1",
        aws_endpoint="http://127.0.0.1:2",
        metastore_uri="thrift://127.0.0.1:3",
        **paths,
    )


def test_no_stack_was_ever_started(tmp_path):
    assert load_state(tmp_path) is None


def test_what_was_saved_is_read(state):
    save_state(state)
    assert load_state(state.home) == state


def test_the_state_is_its_owners_alone(state):
    save_state(state)
    assert (state.home / "stack.json").stat().st_mode & 0o077 == 0


def test_an_unreadable_state_says_where_it_is(tmp_path):
    (tmp_path / "stack.json").write_text("{")
    with pytest.raises(StackError, match=r"stack\.json.*make stack"):
        load_state(tmp_path)


def test_s3_and_the_other_apis_have_an_endpoint_each(state):
    environment = state.environment()
    assert (environment["AWS_ENDPOINT_URL_S3"], environment["AWS_ENDPOINT_URL"]) == ("http://127.0.0.1:1", "http://127.0.0.1:2")


def test_spark_reads_both_schemes_from_the_stack(state):
    conf = state.spark_conf()
    assert conf["spark.hadoop.fs.s3.impl"] == conf["spark.hadoop.fs.s3a.impl"]
    assert conf["spark.hadoop.fs.s3a.endpoint"] == "http://127.0.0.1:1"


def test_the_environment_names_the_state_folder(tmp_path):
    assert default_home({"DATAWORKS_HOME": str(tmp_path)}) == tmp_path.resolve()


def test_the_state_folder_is_beside_the_code_otherwise(project):
    assert default_home({}) == project / ".dataworks"
