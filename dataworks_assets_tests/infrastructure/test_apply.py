"""Stacks in an emulated account: made, found unchanged, changed, refused; what they give fits a deployment."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError
from troposphere import Output, Ref, Sub, Template, sqs
from typer.testing import CliRunner

from dataworks_assets.cli.infrastructure import app
from dataworks_assets.config.deployment import Deployment
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.infrastructure import parameters
from dataworks_assets.infrastructure.apply import Applier, InfrastructureError
from dataworks_assets.infrastructure.given import installation
from dataworks_assets.infrastructure.stacks import STACKS, Stack
from spark.errors import ConfigurationError

REGION = "eu-west-2"


class Emulated:
    """The emulated account's CloudFormation; a change set is carried out by a call that gives the stack its outputs too."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._asked: dict[str, dict[str, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_change_set(self, **asked: Any) -> Any:
        self._asked[asked["ChangeSetName"]] = asked
        return self._client.create_change_set(**asked)

    def execute_change_set(self, *, StackName: str, ChangeSetName: str) -> None:  # noqa: N803 - as boto3 has it
        asked = self._asked[ChangeSetName]
        said = {"StackName": StackName, "TemplateBody": asked["TemplateBody"], "Parameters": asked["Parameters"]}
        if asked["ChangeSetType"] == "CREATE":
            self._client.delete_stack(StackName=StackName)
            self._client.create_stack(**said)
        else:
            self._client.update_stack(**said)


@pytest.fixture
def account(memory_account, monkeypatch):
    """An empty account in memory."""
    client = Emulated(boto3.client("cloudformation", region_name=REGION))
    monkeypatch.setattr("dataworks_assets.cli.infrastructure._client", lambda *_: client)
    return client


def applier(client: Any, **values: str) -> Applier:
    """For a development installation."""
    return Applier(client, "dataworks", "development", values, poll_seconds=0)


def queue_stack(*, seconds: int = 60, needs: bool = False) -> Stack:
    """A stack of one queue."""

    def make() -> Template:
        choices = (parameters.OIDC_ISSUER,) if needs else ()
        template = parameters.template("a queue", *choices)
        queue = template.add_resource(sqs.Queue("Queue", QueueName=Sub("${Prefix}-queue"), VisibilityTimeout=seconds))
        template.add_output(Output("QueueUrl", Value=Ref(queue)))
        return template

    return Stack("queue", "A queue", make)


def apply(client: Any, stack: Stack, **values: str) -> dict[str, str]:
    """Prepares and carries a stack out, and returns what it gives."""
    applying = applier(client, **values)
    prepared = applying.prepare(stack)
    assert prepared is not None
    applying.execute(prepared, say=lambda _: None)
    return applying.outputs(stack)


def test_a_stack_is_made_and_then_changed(account):
    assert apply(account, queue_stack())["QueueUrl"].endswith("/dataworks-queue")
    prepared = applier(account).prepare(queue_stack(seconds=90))
    assert prepared is not None
    assert (prepared.is_new, [change.resource for change in prepared.changes]) == (False, ["Queue"])
    applier(account).execute(prepared, say=lambda _: None)
    told = boto3.client("sqs", region_name=REGION).get_queue_attributes(
        QueueUrl=applier(account).outputs(queue_stack())["QueueUrl"], AttributeNames=["VisibilityTimeout"]
    )
    assert told["Attributes"]["VisibilityTimeout"] == "90"


def test_what_was_not_carried_out_leaves_nothing(account):
    prepared = applier(account).prepare(queue_stack())
    assert prepared is not None
    applier(account).discard(prepared)
    assert boto3.client("sqs", region_name=REGION).list_queues().get("QueueUrls", []) == []


def test_a_parameter_that_nobody_says_is_asked_for_by_name(account):
    with pytest.raises(ConfigurationError, match=r"OidcIssuer \(Issuer by which people sign in"):
        applier(account).prepare(queue_stack(needs=True))


class Answers:
    """CloudFormation that answers as it is told."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[str] = []

    def __getattr__(self, method: str) -> Any:
        def call(**_: Any) -> Any:
            self.calls.append(method)
            return self.answers.get(method, {})

        return call


def failed(resource: str, kind: str, reason: str) -> dict[str, str]:
    """An event of a resource that was not made."""
    told = {"EventId": resource, "LogicalResourceId": resource, "ResourceType": kind, "ResourceStatus": "CREATE_FAILED"}
    return told | {"ResourceStatusReason": reason}


def test_a_stack_that_fails_tells_the_first_resource_and_its_reason():
    events = [failed("Other", "AWS::SNS::Topic", "cancelled"), failed("Queue", "AWS::SQS::Queue", "quota")]
    client = Answers(
        describe_stacks={"Stacks": [{"StackStatus": "ROLLBACK_COMPLETE"}]},
        describe_stack_events={"StackEvents": events},
        describe_change_set={"Status": "CREATE_COMPLETE"},
    )
    applying = applier(client)
    prepared = applying.prepare(queue_stack())
    assert prepared is not None
    said: list[str] = []
    with pytest.raises(InfrastructureError, match=r"ROLLBACK_COMPLETE: Queue \(AWS::SQS::Queue\): quota"):
        applying.execute(prepared, say=said.append)
    assert said == ["Queue: create failed", "Other: create failed"]


@pytest.mark.parametrize("reason", ["The submitted information didn't contain changes.", "No updates are to be performed."])
def test_a_stack_without_changes_is_left_alone(reason):
    client = Answers(
        describe_stacks={"Stacks": [{"StackStatus": "CREATE_COMPLETE"}]},
        describe_change_set={"Status": "FAILED", "StatusReason": reason},
    )
    assert applier(client).prepare(queue_stack()) is None
    assert "delete_change_set" in client.calls


def test_a_change_that_aws_refuses_is_an_error_with_its_reason():
    client = Answers(
        describe_stacks={"Stacks": [{"StackStatus": "CREATE_COMPLETE"}]},
        describe_change_set={"Status": "FAILED", "StatusReason": "Transform failed"},
    )
    with pytest.raises(InfrastructureError, match="Transform failed"):
        applier(client).prepare(queue_stack())


def emulated(stack: Stack) -> Stack:
    """A stack without what the emulated account stumbles over: the tags of a key."""
    document = stack.document()
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::KMS::Key":
            del resource["Properties"]["Tags"]

    class Emulated(Template):
        def to_json(self, *_: Any, **__: Any) -> str:
            return json.dumps(document)

    return Stack(stack.name, stack.meaning, Emulated)


@pytest.mark.filterwarnings("ignore:Tried to parse")
def test_what_the_stacks_give_is_a_part_of_a_deployment(account, tmp_path):
    data, messages = (emulated(stack) for stack in STACKS[:2])
    outputs = apply(account, data) | apply(account, messages)
    tables = boto3.client("dynamodb", region_name=REGION).list_tables()["TableNames"]
    assert set(tables) == {"data_pipeline_metadata", "UCExportToCrownStatus"}
    given = installation(outputs, region=REGION)
    assert given["buckets"]["output"] == "dataworks-output"
    assert given["exports"]["queue"].endswith("/adg-export-messages")
    (tmp_path / "deployments").mkdir()
    (tmp_path / "installation.yaml").write_text(yaml.safe_dump({key: given[key] for key in given if key != "engine"}))
    said = {
        "name": "ours",
        "installation": "installation.yaml",
        "environment": "development",
        "key_service": {"url": "https://key-service.example"},
        "catalog": {"kind": "glue"},
        "exports": {"first_day": "2026-11-01"},
        "buckets": {"input": "the-producers"},
    }
    (tmp_path / "deployments" / "ours.yaml").write_text(yaml.safe_dump(said))
    loaded: Deployment = load_settings("ours", environment=Environment(config_folder=tmp_path)).deployment
    assert (loaded.buckets.input, loaded.buckets.output) == ("the-producers", "dataworks-output")
    assert loaded.exports.queue == outputs["MessageQueueUrl"]
    assert loaded.notices.topic == outputs["NoticeTopicArn"]
    assert loaded.ledger.status_table == "data_pipeline_metadata"


def test_an_installation_that_is_not_there_is_said_with_the_line(tmp_path):
    (tmp_path / "deployments").mkdir()
    (tmp_path / "deployments" / "ours.yaml").write_text("name: ours\ninstallation: nothing.yaml\n")
    with pytest.raises(ConfigurationError, match=r"there is no file 'nothing.yaml'"):
        load_settings("ours", environment=Environment(config_folder=tmp_path))


def test_the_command_shows_and_asks_before_it_changes(account, monkeypatch):
    monkeypatch.setattr("dataworks_assets.cli.infrastructure.STACKS", (queue_stack(),))
    monkeypatch.setattr("dataworks_assets.cli.infrastructure._CHOICES", ["queue"])
    monkeypatch.setattr("dataworks_assets.cli.infrastructure._refuse_violations", lambda: None)
    run = CliRunner()
    looked = run.invoke(app, ["apply", "--environment", "development", "--dry-run"])
    assert (looked.exit_code, "dataworks-queue: left as it is" in looked.output) == (0, True)
    refused = run.invoke(app, ["apply", "--environment", "development"], input="n\n")
    assert "left as it is" in refused.output
    done = run.invoke(app, ["apply", "--environment", "development", "--yes"])
    assert (done.exit_code, "dataworks-queue: done" in done.output) == (0, True), done.output
    shown = run.invoke(app, ["show", "--json"])
    assert json.loads(shown.output)["queue"]["QueueUrl"].endswith("/dataworks-queue")


def test_an_unknown_parameter_is_refused(account):
    told = CliRunner().invoke(app, ["apply", "--environment", "development", "--set", "Colour=red"])
    assert "there is no parameter 'Colour'" in str(told.exception)


def test_a_stack_that_does_not_end_is_not_waited_for_for_ever():
    client = Answers(
        describe_stacks={"Stacks": [{"StackStatus": "UPDATE_IN_PROGRESS"}]},
        describe_stack_events={"StackEvents": []},
        describe_change_set={"Status": "CREATE_COMPLETE"},
    )
    applying = applier(client)
    prepared = applying.prepare(queue_stack())
    assert prepared is not None
    applying.patience_seconds = -1
    with pytest.raises(InfrastructureError, match="still says UPDATE_IN_PROGRESS"):
        applying.execute(prepared, say=lambda _: None)


@pytest.mark.parametrize("command", [["show"], ["apply", "--environment", "qa", "--dry-run"]], ids=lambda said: said[0])
def test_without_credentials_it_says_how_to_get_some(command, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(InfrastructureError, match="there are no AWS credentials") as told:
        CliRunner().invoke(app, command, catch_exceptions=False)
    assert "aws sso login" in (told.value.remedy or "")


def test_what_aws_refuses_is_told_with_its_call_and_reason(account, monkeypatch):
    answer = {"Error": {"Code": "AccessDenied", "Message": "no identity-based policy allows it"}}

    def refuse(self: Applier, stack: Stack) -> bool:
        raise ClientError(answer, "DescribeStacks")

    monkeypatch.setattr(Applier, "is_there", refuse)
    with pytest.raises(InfrastructureError, match=r"AWS refuses DescribeStacks: AccessDenied: no identity-based policy"):
        CliRunner().invoke(app, ["show"], catch_exceptions=False)


def test_what_aws_refuses_of_a_stack_is_told_with_its_name(account, monkeypatch):
    def refuse(**_: str) -> None:
        raise ClientError({"Error": {"Code": "ValidationError", "Message": "Template error"}}, "CreateChangeSet")

    monkeypatch.setattr(account, "create_change_set", refuse)
    with pytest.raises(InfrastructureError, match="stack trial-data: AWS refuses CreateChangeSet: ValidationError"):
        CliRunner().invoke(app, ["apply", "--environment", "development", "--prefix", "trial"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("text", "told"),
    [(None, "cannot be read"), ("- a", "is no mapping"), ("a: 1\n  b: [", "no YAML"), ("Nope: 1", "no parameter 'Nope'")],
)
def test_parameters_that_cannot_be_read_are_told_with_their_file(tmp_path, text, told):
    path = tmp_path / "development.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    asked = ["apply", "--environment", "development", "--parameters", str(path), "--dry-run"]
    with pytest.raises(ConfigurationError, match=told) as raised:
        CliRunner().invoke(app, asked, catch_exceptions=False)
    assert raised.value.where.startswith(str(path))
