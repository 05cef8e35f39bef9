"""The pipeline definition names only what there is: make targets, scripts, commands, workflows, environments."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dataworks_assets.cli.main import Commands
from dataworks_assets.infrastructure.parameters import ENVIRONMENT, IMAGE
from dataworks_assets.infrastructure.stacks import STACKS

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(name: str) -> dict[str, dict[str, dict[str, object]]]:
    """A workflow."""
    return yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_runs_is_there(path):
    text = path.read_text(encoding="utf-8")
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    assert set(re.findall(r"run: make ([a-z-]+)", text)) <= targets
    assert set(re.findall(r"\.venv/bin/dataworks ([a-z]+)", text)) <= set(Commands.known)
    for script in re.findall(r"run: (?:bash )?((?:production|\.ci)/\S+)", text):
        assert os.access(ROOT / script, os.X_OK) or text.count(f"bash {script}")
    for file in re.findall(r"--file (\S+)", text) + re.findall(r"uses: \./(\S+)", text):
        assert (ROOT / file).is_file()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_workflow_is_given_secrets(path):
    assert "secrets" not in path.read_text(encoding="utf-8")


def test_every_environment_follows_the_one_before_it():
    jobs = read("delivery")["jobs"]
    order = list(ENVIRONMENT.allowed)
    assert [name for name in jobs if name != "test"] == order
    assert [jobs[name]["needs"] for name in order] == ["test", *order[:-1]]
    assert {jobs[name]["with"]["environment"] for name in order} == set(order)


def test_only_development_is_deployed_without_an_environment_before_it_and_is_tried_end_to_end():
    jobs = read("delivery")["jobs"]
    assert [name for name, job in jobs.items() if job.get("with", {}).get("end_to_end")] == ["development"]


def test_commands_inside_an_account_take_what_the_stacks_give():
    text = (ROOT / "production" / "inside").read_text(encoding="utf-8")
    by_name = {stack.name: stack.document()["Outputs"] for stack in STACKS}
    asked = re.findall(r"\$\(value (\w+) (\w+)\)", text)
    assert len(asked) == 3
    assert all(output in by_name[stack] for stack, output in asked)
    assert f"{IMAGE.name}=" in (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")


def test_a_command_inside_an_account_without_stacks_says_so(tmp_path):
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "dataworks").write_text("#!/bin/sh\necho '{}'\n", encoding="utf-8")
    (programs / "dataworks").chmod(0o755)
    (tmp_path / "production").mkdir()
    script = shutil.copy(ROOT / "production" / "inside", tmp_path / "production")
    environment = {"PATH": os.environ["PATH"], "PREFIX": "trial", "AWS_REGION": "eu-west-2"}
    ended = subprocess.run([script, "migrate"], env=environment, capture_output=True, text=True, check=False)
    told = "inside: the stack trial-dagster gives no ServiceCluster: deploy it first, or correct PREFIX and AWS_REGION\n"
    assert (ended.returncode, ended.stderr) == (1, told)


def test_a_run_that_waits_for_a_reviewer_keeps_no_later_merge_from_development():
    assert "concurrency" not in read("delivery")
    assert read("deploy")["jobs"]["deploy"]["concurrency"]["group"] == "deploy-${{ inputs.environment }}"
    # A merge must not end the tests of the one before it, or with many merges none would arrive.
    assert read("pull-request")["concurrency"]["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


def test_the_end_to_end_test_may_write_its_sample_in_development_alone():
    (stack,) = (each.document() for each in STACKS if each.name == "dagster")
    policy = stack["Resources"]["DagsterWritesSamples"]
    (said,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (policy["Condition"], policy["Properties"]["Roles"]) == ("IsDevelopment", [{"Ref": "DagsterRole"}])
    assert stack["Conditions"]["IsDevelopment"] == {"Fn::Equals": [{"Ref": "Environment"}, "development"]}
    assert {"s3:PutObject", "s3:DeleteObject"} == set(said["Action"])


def test_the_end_to_end_test_publishes_also_what_an_earlier_deployment_of_the_day_published():
    text = (ROOT / "production" / "end-to-end").read_text(encoding="utf-8")
    assert re.search(r"exec dataworks adg run .*--force$", text, re.MULTILINE)
