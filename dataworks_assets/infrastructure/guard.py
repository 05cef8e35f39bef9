"""Security rules for every template, checked at each synthesis: what a reviewer would look for.

cfn-lint checks whether CloudFormation accepts a template; this checks whether we do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]
Rule = Callable[[str, Document], Iterator[str]]

_EVERYWHERE = {"0.0.0.0/0", "::/0"}
_WITHOUT_RESOURCE = {"elasticmapreduce:ListClusters", "ecr:GetAuthorizationToken"}
"""Actions for which AWS has no narrower resource than `*`."""
_KEPT = ("AWS::KMS::Key", "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::RDS::DBInstance")
_SECRET = re.compile(r"password|secret|token", re.IGNORECASE)


def violations(template: Document) -> list[str]:
    """Returns the violations in a template, forbidden or missing settings, each with the name of the resource."""
    found = []
    resources: Mapping[str, Document] = template["Resources"]
    for name, resource in resources.items():
        for rule in _RULES.get(resource["Type"], ()):
            found += [f"{name}: {what}" for what in rule(name, resource)]
        if resource["Type"] in _KEPT and resource.get("DeletionPolicy") not in {"Retain", "Snapshot"}:
            found.append(f"{name}: its data goes when the stack is deleted")
    found += _without_policy(resources)
    return found + [f"parameter {name}: a secret would stand in it in clear" for name in _clear_secrets(template)]


def _bucket(_name: str, resource: Document) -> Iterator[str]:
    said = resource["Properties"]
    block = said.get("PublicAccessBlockConfiguration", {})
    names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    if not all(block.get(name) in {True, "true"} for name in names):
        yield "it can be opened to the public"
    rules = said.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    if not any(rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID") for rule in rules):
        yield "it is not encrypted with a key of ours"
    if said.get("VersioningConfiguration", {}).get("Status") != "Enabled":
        yield "it is not versioned"
    if not any("AbortIncompleteMultipartUpload" in rule for rule in said.get("LifecycleConfiguration", {}).get("Rules", [])):
        yield "leftovers of uploads stay in it for ever"


def _table(_name: str, resource: Document) -> Iterator[str]:
    said = resource["Properties"]
    if not said.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
        yield "it cannot be restored to a point in time"
    if not said.get("SSESpecification", {}).get("KMSMasterKeyId"):
        yield "it is not encrypted with a key of ours"


def _database(_name: str, resource: Document) -> Iterator[str]:
    said = resource["Properties"]
    if not said.get("StorageEncrypted") or said.get("PubliclyAccessible") is not False:
        yield "it is not encrypted, or open to the public"
    if "MasterUserPassword" in said or not said.get("ManageMasterUserPassword"):
        yield "its password is not a managed secret"


def _encrypted(key: str) -> Rule:
    def rule(_name: str, resource: Document) -> Iterator[str]:
        if not resource["Properties"].get(key):
            yield "it is not encrypted with a key of ours"

    return rule


def _logs(_name: str, resource: Document) -> Iterator[str]:
    if not resource["Properties"].get("RetentionInDays"):
        yield "its lines are kept for ever"


def _key(_name: str, resource: Document) -> Iterator[str]:
    if resource["Properties"].get("EnableKeyRotation") is not True:
        yield "it is not rotated"


def _ingress(_name: str, resource: Document) -> Iterator[str]:
    said = resource["Properties"]
    for rule in (said, *said.get("SecurityGroupIngress", ())):
        if {str(rule.get("CidrIp")), str(rule.get("CidrIpv6"))} & _EVERYWHERE:
            yield "it is open to the whole world"


def _group(_name: str, resource: Document) -> Iterator[str]:
    if not resource["Properties"].get("SecurityGroupEgress"):
        yield "it may reach everything: name a way out"
    yield from _ingress(_name, {"Properties": {"SecurityGroupIngress": resource["Properties"].get("SecurityGroupIngress", ())}})


def _permissions(_name: str, resource: Document) -> Iterator[str]:
    said = resource["Properties"]
    documents = [policy["PolicyDocument"] for policy in said.get("Policies", ())]
    documents += [said["PolicyDocument"]] if "PolicyDocument" in said else []
    for statement in (each for document in documents for each in document["Statement"]):
        actions = _listed(statement["Action"])
        if any("*" in action for action in actions):
            yield f"{statement['Sid']} allows actions by wildcard: {', '.join(actions)}"
        if "*" in _listed(statement["Resource"]) and not set(actions) <= _WITHOUT_RESOURCE:
            yield f"{statement['Sid']} allows {', '.join(actions)} on everything"
        if "kms:CreateGrant" in actions and not _only_for_aws(statement):
            yield f"{statement['Sid']} lets its role give the key to anybody"
    for arn in said.get("ManagedPolicyArns", ()):
        if "AdministratorAccess" in str(arn) or "FullAccess" in str(arn):
            yield f"it has {arn}"


def _only_for_aws(statement: Document) -> bool:
    said = statement.get("Condition", {}).get("Bool", {})
    return bool(said.get("kms:GrantIsForAWSResource") == "true")


def _security_configuration(_name: str, resource: Document) -> Iterator[str]:
    said = resource["Properties"]["SecurityConfiguration"]
    encryption = said.get("EncryptionConfiguration", {})
    if not (encryption.get("EnableAtRestEncryption") and encryption.get("EnableInTransitEncryption")):
        yield "clusters do not encrypt everything, at rest and in transit"
    if said.get("InstanceMetadataServiceConfiguration", {}).get("MinimumInstanceMetadataServiceVersion") != 2:  # noqa: PLR2004
        yield "instance metadata is given without a token"


def _without_policy(resources: Mapping[str, Document]) -> Iterator[str]:
    """Yields buckets, queues and topics whose policy does not refuse unencrypted connections."""
    guarded = {
        target
        for resource in resources.values()
        if resource["Type"] in {"AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"}
        and any(_denies_clear(statement) for statement in resource["Properties"]["PolicyDocument"]["Statement"])
        for target in _targets(resource["Properties"])
    }
    dead = {name for name, resource in resources.items() if name.startswith("DeadLetter")}
    for name, resource in resources.items():
        if resource["Type"] in {"AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue"} and name not in guarded | dead:
            yield f"{name}: nothing refuses connections that are not encrypted"
        if resource["Type"] == "AWS::SQS::Queue" and name not in dead and "RedrivePolicy" not in resource["Properties"]:
            yield f"{name}: a message that nobody can take comes back for ever"


def _denies_clear(statement: Document) -> bool:
    clear = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    return bool(statement["Effect"] == "Deny" and clear == "false")


def _targets(said: Document) -> list[str]:
    given = [said.get("Bucket"), *said.get("Topics", ()), *said.get("Queues", ())]
    return [each["Ref"] for each in given if isinstance(each, Mapping) and "Ref" in each]


def _clear_secrets(template: Document) -> Iterator[str]:
    for name, parameter in template.get("Parameters", {}).items():
        by_reference = name.endswith(("Arn", "Path", "Endpoint"))
        if _SECRET.search(name) and not by_reference and not parameter.get("NoEcho"):
            yield name


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


_RULES: Mapping[str, tuple[Rule, ...]] = {
    "AWS::S3::Bucket": (_bucket,),
    "AWS::DynamoDB::Table": (_table,),
    "AWS::RDS::DBInstance": (_database,),
    "AWS::SQS::Queue": (_encrypted("KmsMasterKeyId"),),
    "AWS::SNS::Topic": (_encrypted("KmsMasterKeyId"),),
    "AWS::Logs::LogGroup": (_encrypted("KmsKeyId"), _logs),
    "AWS::KMS::Key": (_key,),
    "AWS::EC2::SecurityGroup": (_group,),
    "AWS::EC2::SecurityGroupIngress": (_ingress,),
    "AWS::IAM::Role": (_permissions,),
    "AWS::IAM::Policy": (_permissions,),
    "AWS::EMR::SecurityConfiguration": (_security_configuration,),
}
