"""A command inside an account: the task that is asked for, and what becomes of its exit code; `aws` is a stand-in."""

import json
import os
import shutil
import subprocess
import sys

import pytest

GIVEN = {"dagster": {"ServiceCluster": "dw"}, "network": {"Subnets": "s-1,s-2", "DagsterGroup": "sg-1"}}
AWS = """#!/usr/bin/env bash
printf '%s\\n' "$(printf '%s\\037' "$@")" >> "$CALLS"
case "$*" in
    *taskArn*) echo arn:aws:ecs:eu-west-2:000000000000:task/dw/abc ;;
    *lastStatus*) echo STOPPED ;;
    *exitCode*) echo "$EXIT_CODE" ;;
    *tail*) echo "the task's log" ;;
esac
"""


@pytest.fixture
def inside(project, tmp_path):
    """Runs it in a copy whose programs are stand-ins; returns how it ended and the calls of `aws`."""

    def program(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    program(tmp_path / "bin" / "aws", AWS)
    program(tmp_path / "bin" / "sleep", "#!/bin/sh\n")
    program(tmp_path / ".venv" / "bin" / "dataworks", f"#!/bin/sh\necho '{json.dumps(GIVEN)}'\n")
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    shutil.copytree(project / "production", tmp_path / "production")

    def run(*arguments, exit_code=0):
        calls = tmp_path / "calls"
        said = {
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "AWS_REGION": "eu-west-2",
            "CALLS": str(calls),
            "EXIT_CODE": str(exit_code),
        }
        done = subprocess.run(
            [tmp_path / "production" / "inside", *arguments], env=said, capture_output=True, text=True, timeout=60, check=False
        )
        made = calls.read_text().splitlines() if calls.exists() else []
        return done, [line.split("\037")[:-1] for line in made]

    return run


def test_the_command_runs_as_a_task_of_the_code_server(inside):
    done, calls = inside("exec", "dataworks", "sql", "SELECT 'two words'")
    assert done.returncode == 0, done.stderr
    assert "the task's log" in done.stdout
    started = calls[0]
    said = dict(zip(started[2::2], started[3::2], strict=False))
    assert (said["--cluster"], said["--task-definition"]) == ("dw", "dataworks-code-server")
    assert "subnets=[s-1,s-2],securityGroups=[sg-1]" in said["--network-configuration"]
    (override,) = json.loads(said["--overrides"])["containerOverrides"]
    assert override["command"] == ["production/start", "exec", "dataworks", "sql", "SELECT 'two words'"]


def test_a_command_that_fails_there_fails_here(inside):
    done, _ = inside("migrate", exit_code=3)
    assert done.returncode == 1
    assert "migrate ended with exit code 3" in done.stderr


def test_nothing_is_started_for_no_command(inside):
    done, calls = inside()
    assert (done.returncode, calls) == (2, [])


def test_the_pipeline_migrates_after_the_image_is_there(project):
    steps = (project / ".github" / "workflows" / "deploy.yml").read_text()
    assert steps.index("infrastructure apply") < steps.index("production/inside migrate") < steps.index("production/end-to-end")
