"""Permissions of clusters, and of EMR on their behalf: the job's nodes, their disks, the metastore's password."""

from __future__ import annotations

from troposphere import Ref, Sub

from dataworks_assets.infrastructure.permissions import Statement
from dataworks_assets.infrastructure.templates.access.arns import ARN, HERE, LOGS_ARE_SHIPPED
from dataworks_assets.infrastructure.templates.exchange import take


def job_statements() -> tuple[Statement, ...]:
    """Permissions that only the nodes of a cluster have."""
    return (
        Statement(
            "NodesAreNamed",
            "An instance is renamed to what its metrics say, `<service>-<role>-<8 hex>`",
            ("ec2:CreateTags",),
            (f"{ARN}:ec2:{HERE}:instance/*",),
            conditions={
                "ForAllValues:StringEquals": {"aws:TagKeys": ["Name"]},
                "StringEquals": {"aws:ResourceTag/Application": "dataworks"},
            },
        ),
        LOGS_ARE_SHIPPED,
        Statement(
            "LogGroupsAreLookedUp",
            "EMR's agent on nodes looks for the log group of clusters, which is made here, with its retention",
            ("logs:DescribeLogGroups",),
            (f"{ARN}:logs:{HERE}:log-group:*",),
        ),
    )


DISK_ACTIONS = (
    *("kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
)
"""The KMS actions that EBS calls on behalf of whoever starts an instance whose disks use a customer's key."""


GRANTS_OF_AWS = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
"""Condition that limits grants to those that an AWS service requests for its own resource."""


def disk_statements() -> tuple[Statement, ...]:
    """Permissions with which EMR itself creates nodes whose disks are encrypted with the platform's key."""
    return (
        Statement(
            "DisksAreEncrypted",
            "Disks of nodes are encrypted with this key; EMR's own policy knows no key, and no node would start",
            DISK_ACTIONS,
            (take("DataKeyArn"),),
        ),
        Statement(
            "DisksAreAttached",
            "EBS opens a disk's key for as long as it is attached to its node, by a grant",
            ("kms:CreateGrant",),
            (take("DataKeyArn"),),
            conditions=GRANTS_OF_AWS,
        ),
    )


def metastore_statements() -> tuple[Statement, ...]:
    """Permissions that EMR itself needs for clusters with Hive on an existing metastore database; in force if there is one."""
    return (
        Statement(
            "MetastorePasswordIsRead",
            "EMR puts the metastore's database password into Hive's configuration on nodes; descriptions name the secret",
            ("secretsmanager:GetSecretValue",),
            (Ref("MetastoreSecretArn"),),
        ),
        Statement(
            "MetastoreSecretIsDecrypted",
            "That secret may be encrypted with the platform's key",
            ("kms:Decrypt",),
            (take("DataKeyArn"),),
            conditions={"StringEquals": {"kms:ViaService": Sub("secretsmanager.${AWS::Region}.amazonaws.com")}},
        ),
    )


NODES_GET_THEIR_ROLE = Statement(
    "NodesGetTheirRole",
    "EMR gives the nodes that it starts the role made for them, and no other",
    ("iam:PassRole",),
    (take("NodeRoleArn"),),
    conditions={"StringLike": {"iam:PassedToService": "ec2.amazonaws.com*"}},
)
