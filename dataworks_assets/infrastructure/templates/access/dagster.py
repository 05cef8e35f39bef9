"""Permissions of Dagster, and of what starts its containers."""

from __future__ import annotations

from typing import Any

from troposphere import Ref

from dataworks_assets.infrastructure.names import TABLE_KEYS
from dataworks_assets.infrastructure.permissions import Statement
from dataworks_assets.infrastructure.templates.access.arns import ARN, HERE, LOGS_ARE_SHIPPED
from dataworks_assets.infrastructure.templates.exchange import take


def rotation_statements() -> tuple[Statement, ...]:
    """Permissions to rotate the metastore's password on an operator's request; Dagster never reads the password."""
    return (
        Statement(
            "MetastorePasswordIsRotated",
            "Operators have the password of the metastore's database rotated, and are told how that went",
            ("secretsmanager:RotateSecret", "secretsmanager:DescribeSecret"),
            (Ref("MetastoreSecretArn"),),
        ),
        Statement(
            "RotationIsInvoked",
            "Whoever asks for a rotation must be allowed to invoke its function",
            ("lambda:InvokeFunction",),
            (Ref("MetastoreRotationFunctionArn"),),
        ),
    )


def _cluster_statements(roles: tuple[Any, Any]) -> tuple[Statement, ...]:
    """Permissions to start, use and end clusters; `roles` are those that the clusters get."""
    ours = {"StringEquals": {"elasticmapreduce:ResourceTag/Application": "dataworks"}}
    clusters = f"{ARN}:elasticmapreduce:{HERE}:cluster/*"
    return (
        Statement(
            "ClustersAreStarted",
            "A run starts a cluster of its own, with the tag that the next statements go by",
            ("elasticmapreduce:RunJobFlow", "elasticmapreduce:AddTags"),
            (clusters,),
            conditions={"StringEquals": {"elasticmapreduce:RequestTag/Application": "dataworks"}},
        ),
        Statement(
            "ClustersAreBounded",
            "AWS asks for these where a cluster is started with idle time and scaling; a new one has no tag to go by yet",
            ("elasticmapreduce:PutAutoTerminationPolicy", "elasticmapreduce:PutManagedScalingPolicy"),
            (clusters,),
            conditions={"StringEqualsIfExists": {"elasticmapreduce:ResourceTag/Application": "dataworks"}},
        ),
        Statement(
            "ClustersAreUsedAndEnded",
            "Steps are added, watched and cancelled; a cluster ends with its run, in every ending",
            (
                *("elasticmapreduce:AddJobFlowSteps", "elasticmapreduce:CancelSteps", "elasticmapreduce:DescribeCluster"),
                *("elasticmapreduce:DescribeStep", "elasticmapreduce:ListSteps", "elasticmapreduce:TerminateJobFlows"),
            ),
            (clusters,),
            conditions=ours,
        ),
        Statement(
            "ClustersAreFound",
            "Clusters of runs that died are found and ended",
            ("elasticmapreduce:ListClusters",),
            ("*",),
            unbounded="ListClusters knows no resource",
        ),
        Statement(
            "ClustersGetTheirRoles",
            "EMR and its nodes take on the roles that are made for them, and no others",
            ("iam:PassRole",),
            roles,
            conditions={"StringEquals": {"iam:PassedToService": ["elasticmapreduce.amazonaws.com", "ec2.amazonaws.com"]}},
        ),
    )


def dagster_statements(roles: tuple[Any, Any]) -> tuple[Statement, ...]:
    """Permissions that only Dagster has; `roles` are those that it passes to clusters."""
    return (
        LOGS_ARE_SHIPPED,
        *_cluster_statements(roles),
        Statement(
            "MessagesAreTaken",
            "The export's messages are kept in the inbox, then deleted from the queue",
            ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"),
            (take("MessageQueueArn"),),
        ),
        Statement(
            "OthersAreTold",
            "Notices to operators, completion messages and triggers to downstream",
            ("sns:Publish",),
            (take("NoticeTopicArn"), take("CompletionTopicArn"), take("PdmTopicArn")),
        ),
        Statement(
            "StatusIsWritten",
            "Rows about days and collections, which downstream reads and nothing here decides by",
            (
                *(
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:Query",
                    "dynamodb:Scan",
                ),
                *("dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:DescribeTable"),
            ),
            tuple(f"{ARN}:dynamodb:{HERE}:table/{name}" for name in TABLE_KEYS),
        ),
        Statement(
            "CollectionsAreConfigured",
            "Secrets that say which collections there are, and their tags",
            ("secretsmanager:GetSecretValue",),
            (f"{ARN}:secretsmanager:{HERE}:secret:${{CollectionSecretsPath}}/*",),
        ),
    )


def database_statements(secret: Any) -> tuple[Statement, ...]:
    """Permissions that Dagster's services and runs need for their database."""
    return (
        Statement(
            "DatabasePasswordIsRead",
            "RDS rotates the database's password, and new connections need the present one",
            ("secretsmanager:GetSecretValue",),
            (secret,),
        ),
        Statement(
            "DatabaseSecretIsDecrypted",
            "The database's secret is encrypted with this key",
            ("kms:Decrypt",),
            (take("DataKeyArn"),),
        ),
    )


def container_statements() -> tuple[Statement, ...]:
    """Permissions to start Dagster's containers; `secrets` are those that end up in their environment."""
    return (
        Statement(
            "ImagesAreTaken",
            "The image comes from the registry of this account",
            ("ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability"),
            (f"{ARN}:ecr:{HERE}:repository/*",),
        ),
        Statement(
            "RegistryIsAsked",
            "The registry gives a token first",
            ("ecr:GetAuthorizationToken",),
            ("*",),
            unbounded="GetAuthorizationToken knows no resource",
        ),
        Statement(
            "ContainersLog",
            "What containers print goes to their log group",
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            (f"{ARN}:logs:{HERE}:log-group:/app/dagster/:*",),
        ),
    )
