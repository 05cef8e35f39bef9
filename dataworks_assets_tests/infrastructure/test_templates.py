"""The templates: what CloudFormation takes as far as cfn-lint knows, kept to the security rules, with names as promised."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.api import lint

from dataworks_assets.cli.infrastructure import page
from dataworks_assets.config.kickstart import PartnerModule
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.engines.emr import calls
from dataworks_assets.infrastructure import parameters
from dataworks_assets.infrastructure.guard import violations
from dataworks_assets.infrastructure.names import Names
from dataworks_assets.infrastructure.permissions import Statement, document
from dataworks_assets.infrastructure.stacks import STACKS
from dataworks_assets.stack import state

BY_NAME = {stack.name: stack.document() for stack in STACKS}
DOCS = Path(__file__).resolve().parents[2] / "docs"
MOST_BYTES = 51_200
"""Of a template that is sent with the call."""


@pytest.fixture(params=STACKS, ids=lambda stack: stack.name)
def stack(request):
    return request.param


def test_cloudformation_takes_it(stack):
    assert [str(match) for match in lint(stack.body(), regions=["eu-west-2"])] == []


def test_it_keeps_the_security_rules(stack):
    assert violations(stack.document()) == []


def test_it_can_be_sent_with_the_call(stack):
    assert len(stack.body().encode()) < MOST_BYTES


def test_what_it_takes_an_earlier_stack_gives(stack):
    given = {name for earlier in STACKS[: STACKS.index(stack)] for name in BY_NAME[earlier.name].get("Outputs", {})}
    assert set(taken(stack.document())) <= given


def taken(part: object) -> list[str]:
    """The exported values that a part of a template takes."""
    if isinstance(part, dict):
        if "Fn::ImportValue" in part:
            return [part["Fn::ImportValue"]["Fn::Sub"].removeprefix("${Prefix}-")]
        return [name for value in part.values() for name in taken(value)]
    return [name for value in part for name in taken(value)] if isinstance(part, list) else []


def test_buckets_are_called_as_in_the_embedded_stack():
    given = {name: each["Properties"]["BucketName"] for name, each in of_type("data", "AWS::S3::Bucket").items()}
    assert {name["Fn::Sub"].replace("${Prefix}", "dataworks") for name in given.values()} == set(state.BUCKETS)
    assert Names("other").input_bucket == "other-input"


def of_type(stack: str, kind: str) -> dict[str, Any]:
    """A stack's resources of one type."""
    return {name: each for name, each in BY_NAME[stack]["Resources"].items() if each["Type"] == kind}


def test_every_product_has_its_log_group_and_so_have_clusters():
    made = {each["Properties"]["LogGroupName"] for each in of_type("data", "AWS::Logs::LogGroup").values()}
    ledger = load_settings("aws", read_secret=lambda _: '{"collections_all": {}}').deployment.ledger
    products = [ledger.adg.product(str(each)) for each in SnapshotType]
    products += [ledger.kickstart.product(module.value) for module in PartnerModule]
    assert made == {(ledger.log_group or "").format(product=product) for product in products} | {"/app/emr/"}


def test_every_choice_is_used_and_described_once():
    used = {name for each in BY_NAME.values() for name in each["Parameters"]}
    assert {choice.name for choice in parameters.ALL} == used
    assert len(parameters.ALL) == len(used)


def test_the_reference_page_is_current():
    assert (DOCS / "reference" / "infrastructure.md").read_text(encoding="utf-8") == page(), "run `make infra-synth`"


def test_every_statement_has_a_reason_on_the_page():
    shown = page()
    for stack in ("cluster", "dagster"):
        given = {
            name: [each for policy in role["Properties"].get("Policies", ()) for each in policy["PolicyDocument"]["Statement"]]
            for name, role in of_type(stack, "AWS::IAM::Role").items()
        }
        for policy in of_type(stack, "AWS::IAM::Policy").values():
            for role in policy["Properties"]["Roles"]:
                given[role["Ref"]] += policy["Properties"]["PolicyDocument"]["Statement"]
        for name, statements in given.items():
            assert all(f"| {stack} | {name} | {each['Sid']} | " in shown for each in statements)


def test_dagster_and_the_nodes_reach_a_partners_bucket_by_a_role_of_ours_that_may_do_nothing_else():
    resources = BY_NAME["dagster"]["Resources"]
    role = resources["PartnerReaderRole"]
    (trusted,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    (policy,) = role["Properties"]["Policies"]
    (allowed,) = policy["PolicyDocument"]["Statement"]
    tagged = ["sts:AssumeRole", "sts:TagSession"]
    nodes = {"Fn::ImportValue": {"Fn::Sub": "${Prefix}-NodeRoleArn"}}
    assert role["Condition"] == "HasPartner"
    assert trusted["Principal"] == {"AWS": [{"Fn::GetAtt": ["DagsterRole", "Arn"]}, nodes]}
    assert (trusted["Action"], allowed["Action"], allowed["Resource"]) == (tagged, tagged, [{"Ref": "PartnerRoleArn"}])


def test_dagster_may_make_the_calls_of_the_engine_and_what_starting_a_cluster_takes_and_no_others():
    made = {
        boto3.client("emr", region_name="eu-west-2").meta.method_to_api_mapping[name]
        for name in re.findall(r'self\._(?:call|pages)\(\s*"(\w+)"', inspect.getsource(calls))
    }
    role = of_type("dagster", "AWS::IAM::Role")["DagsterRole"]["Properties"]["Policies"]
    said = [each for policy in role for each in policy["PolicyDocument"]["Statement"]]
    allowed = {name: each for each in said for name in listed(each["Action"]) if name.startswith("elasticmapreduce:")}
    starting = {"AddTags", "PutAutoTerminationPolicy", "PutManagedScalingPolicy"}
    assert set(allowed) == {f"elasticmapreduce:{name}" for name in made | starting}
    # A cluster that is not there yet has no tags.
    by_its_tags = [name for name in starting | {"RunJobFlow"} if "ResourceTag" in str(on_tags(allowed, name))]
    assert by_its_tags == []


def on_tags(allowed: dict[str, Any], name: str) -> object:
    """What an action is conditional on, without what holds where there is nothing to compare."""
    conditions = allowed[f"elasticmapreduce:{name}"]["Condition"]
    return {operator: each for operator, each in conditions.items() if not operator.endswith("IfExists")}


def test_emr_may_have_nodes_made_whose_disks_are_encrypted_with_our_key():
    said = of_type("cluster", "AWS::EMR::SecurityConfiguration")["ClusterSecurity"]["Properties"]["SecurityConfiguration"]
    disks = said["EncryptionConfiguration"]["AtRestEncryptionConfiguration"]["LocalDiskEncryptionConfiguration"]
    policy = BY_NAME["cluster"]["Resources"]["EncryptsDisks"]["Properties"]
    actions = {action for each in policy["PolicyDocument"]["Statement"] for action in listed(each["Action"])}
    needed = {"CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"}
    assert (policy["Roles"], actions) == ([{"Ref": "ServiceRole"}], {f"kms:{name}" for name in needed})
    assert all(each["Resource"] == [disks["AwsKmsKey"]] for each in policy["PolicyDocument"]["Statement"])
    of_spot = [
        each for each in BY_NAME["data"]["Resources"]["DataKey"]["Properties"]["KeyPolicy"]["Statement"] if is_spot(each)
    ]
    assert {action for each in of_spot for action in listed(each["Action"])} == actions
    assert all(each["Condition"]["StringEquals"]["kms:CallerAccount"] == {"Ref": "AWS::AccountId"} for each in of_spot)


def is_spot(said: dict[str, Any]) -> bool:
    """Whether a statement is about EC2's own role for spot nodes alone."""
    arn = said.get("Condition", {}).get("ArnEquals", {}).get("aws:PrincipalArn", {}).get("Fn::Sub", "")
    return arn.endswith("/AWSServiceRoleForEC2Spot")


def listed(value: Any) -> list[Any]:
    """A value as a list."""
    return value if isinstance(value, list) else [value]


def spoiled(stack: str, name: str, change: Callable[[dict[str, Any]], object]) -> list[str]:
    """What the guard says of a stack one of whose resources was changed."""
    template = copy.deepcopy(BY_NAME[stack])
    change(template["Resources"][name]["Properties"])
    return violations(template)


def without(key: str) -> Callable[[dict[str, Any]], object]:
    """Takes a property away."""
    return lambda said: said.pop(key)


def having(**values: object) -> Callable[[dict[str, Any]], object]:
    """Sets properties."""
    return lambda said: said.update(values)


def statement(number: int, **values: object) -> Callable[[dict[str, Any]], object]:
    """Changes a statement of a role's first policy."""
    return lambda said: said["Policies"][0]["PolicyDocument"]["Statement"][number].update(values)


def granting_to_anybody(said: dict[str, Any]) -> None:
    """Lets a role give its key away."""
    said["PolicyDocument"]["Statement"][1].pop("Condition")


def public(said: dict[str, Any]) -> None:
    """Opens a bucket."""
    said["PublicAccessBlockConfiguration"]["BlockPublicAcls"] = False


def clear(said: dict[str, Any]) -> None:
    """Takes the refusal of connections that are not encrypted out of a policy."""
    del said["PolicyDocument"]["Statement"][0]


def all_powerful(said: dict[str, Any]) -> None:
    """Gives a role everything."""
    said["ManagedPolicyArns"].append("arn:aws:iam::aws:policy/AdministratorAccess")


def without_token(said: dict[str, Any]) -> None:
    """Lets anything on a node read its metadata."""
    del said["SecurityConfiguration"]["InstanceMetadataServiceConfiguration"]


@pytest.mark.parametrize(
    ("stack", "name", "change", "told"),
    [
        ("data", "OutputBucket", without("BucketEncryption"), "not encrypted with a key of ours"),
        ("data", "OutputBucket", public, "opened to the public"),
        ("data", "LogBucket", without("VersioningConfiguration"), "not versioned"),
        ("data", "LogBucket", without("LifecycleConfiguration"), "leftovers of uploads"),
        ("data", "OutputBucketPolicy", clear, "connections that are not encrypted"),
        ("data", "DataKey", having(EnableKeyRotation=False), "not rotated"),
        ("data", "DataPipelineMetadataTable", without("PointInTimeRecoverySpecification"), "point in time"),
        ("data", "AdgFullLogs", without("RetentionInDays"), "kept for ever"),
        ("messages", "MessageQueue", without("RedrivePolicy"), "comes back for ever"),
        ("messages", "NoticeTopic", without("KmsMasterKeyId"), "not encrypted"),
        ("network", "PagesFromUsersRange443", having(CidrIp="0.0.0.0/0"), "open to the whole world"),
        ("network", "DagsterSecurityGroup", without("SecurityGroupEgress"), "may reach everything"),
        ("cluster", "NodeRole", statement(0, Action=["s3:*"]), "by wildcard"),
        ("cluster", "NodeRole", statement(1, Resource="*"), "on everything"),
        ("cluster", "EncryptsDisks", granting_to_anybody, "give the key to anybody"),
        ("cluster", "ServiceRole", all_powerful, "AdministratorAccess"),
        ("cluster", "ClusterSecurity", without_token, "without a token"),
        ("dagster", "Database", having(PubliclyAccessible=True), "open to the public"),
        ("dagster", "Database", having(MasterUserPassword="x"), "not a managed secret"),
    ],
)
def test_the_guard_sees_what_breaks_a_rule(stack, name, change, told):
    found = spoiled(stack, name, change)
    assert len(found) == 1
    assert found[0].startswith(name.removesuffix("Policy"))
    assert told in found[0]


def test_the_guard_sees_data_that_would_go_with_its_stack_and_secrets_in_clear():
    template = copy.deepcopy(BY_NAME["data"])
    del template["Resources"]["OutputBucket"]["DeletionPolicy"]
    template["Parameters"]["DatabasePassword"] = {"Type": "String"}
    assert violations(template) == [
        "OutputBucket: its data goes when the stack is deleted",
        "parameter DatabasePassword: a secret would stand in it in clear",
    ]


def test_conditions_and_reasons_are_part_of_a_statement():
    only = {"Bool": {"aws:SecureTransport": "true"}}
    made = Statement("Reads", "Because", ("s3:GetObject",), ("arn:${AWS::Partition}:s3:::b/*",), conditions=only)
    (said,) = document([made])["Statement"]
    assert (said["Sid"], said["Condition"]) == ("Reads", only)
