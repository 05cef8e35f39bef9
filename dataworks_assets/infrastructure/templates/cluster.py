"""What EMR clusters need: roles, the nodes' instance profile, and the security configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from troposphere import Equals, GetAtt, Not, Ref, Sub, Template, emr, iam

from dataworks_assets.infrastructure import parameters
from dataworks_assets.infrastructure.permissions import OWN_ACCOUNT, document, trust
from dataworks_assets.infrastructure.templates.access.clusters import (
    NODES_GET_THEIR_ROLE,
    disk_statements,
    job_statements,
    metastore_statements,
)
from dataworks_assets.infrastructure.templates.access.lake import catalog_statements, lake_statements
from dataworks_assets.infrastructure.templates.exchange import give, tags, take


def cluster() -> Template:
    """Returns the stack's template."""
    template = parameters.template(
        "dataworks: what EMR clusters are given",
        parameters.INPUT_KEY,
        parameters.KEY_SERVICE_SECRET,
        parameters.METASTORE,
        parameters.METASTORE_SECRET,
        parameters.IN_TRANSIT_CERTIFICATES,
    )
    template.add_condition("HasInputKey", Not(Equals(Ref("InputKeyArn"), "")))
    template.add_condition("UsesGlue", Equals(Ref("Metastore"), "glue"))
    template.add_condition("HasMetastoreSecret", Not(Equals(Ref("MetastoreSecretArn"), "")))
    service_role, node_role = _service_role(template), _node_role(template)
    _add_policies(template, service_role, node_role)
    profile = template.add_resource(iam.InstanceProfile("NodeProfile", Roles=[Ref(node_role)]))
    security = template.add_resource(
        emr.SecurityConfiguration("ClusterSecurity", Name=Sub("${Prefix}-cluster"), SecurityConfiguration=_security())
    )
    give(template, "ServiceRole", Ref(service_role), "Role of EMR itself")
    give(template, "ServiceRoleArn", GetAtt(service_role, "Arn"), "The same role's ARN")
    give(template, "NodeProfile", Ref(profile), "Instance profile of a cluster's nodes")
    give(template, "NodeRoleArn", GetAtt(node_role, "Arn"), "Role of a cluster's nodes")
    give(template, "ClusterSecurity", Ref(security), "Security configuration of clusters")
    return template


def _service_role(template: Template) -> iam.Role:
    role = iam.Role(
        "ServiceRole",
        AssumeRolePolicyDocument=trust("elasticmapreduce.amazonaws.com", conditions=OWN_ACCOUNT),
        ManagedPolicyArns=[Sub("arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2")],
        Tags=tags(),
    )
    return template.add_resource(role)


def _node_role(template: Template) -> iam.Role:
    role = iam.Role(
        "NodeRole",
        AssumeRolePolicyDocument=trust("ec2.amazonaws.com"),
        Policies=[iam.Policy(PolicyName="job", PolicyDocument=document((*lake_statements(), *job_statements())))],
        Tags=tags(),
    )
    return template.add_resource(role)


def _add_policies(template: Template, service_role: iam.Role, node_role: iam.Role) -> None:
    """Adds further permissions as separate policies, because they name the other role or depend on a condition."""
    reads = "ServiceReadsMetastorePassword"
    passes = replace(NODES_GET_THEIR_ROLE, resources=(GetAtt(node_role, "Arn"),))
    for title, name, role, condition, statements in (
        ("PassesNodeRole", "pass-node-role", service_role, None, [passes]),
        ("EncryptsDisks", "encrypt-disks", service_role, None, disk_statements()),
        ("NodesUseGlue", "NodesUseGlue", node_role, "UsesGlue", catalog_statements()),
        (reads, reads, service_role, "HasMetastoreSecret", metastore_statements()),
    ):
        on_condition = {"Condition": condition} if condition else {}
        policy = iam.PolicyType(title, PolicyName=name, Roles=[Ref(role)], PolicyDocument=document(statements), **on_condition)
        template.add_resource(policy)


def _security() -> dict[str, Any]:
    """Encrypted at rest and in transit; instance metadata by token only."""
    return {
        "EncryptionConfiguration": {
            "EnableAtRestEncryption": True,
            "EnableInTransitEncryption": True,
            "AtRestEncryptionConfiguration": {
                "S3EncryptionConfiguration": {"EncryptionMode": "SSE-KMS", "AwsKmsKey": take("DataKeyArn")},
                "LocalDiskEncryptionConfiguration": {
                    "EncryptionKeyProviderType": "AwsKms",
                    "AwsKmsKey": take("DataKeyArn"),
                    "EnableEbsEncryption": True,
                },
            },
            "InTransitEncryptionConfiguration": {
                "TLSCertificateConfiguration": {"CertificateProviderType": "PEM", "S3Object": Ref("InTransitCertificates")}
            },
        },
        "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": 2, "HttpPutResponseHopLimit": 1},
    }
