"""What the roles of the platform may do: the job on a cluster's nodes, Dagster, and what starts Dagster's containers."""

from __future__ import annotations

from typing import Any

from troposphere import If, Ref, Sub

from dataworks_assets.infrastructure.names import TABLE_KEYS
from dataworks_assets.infrastructure.permissions import CHAINED, Statement
from dataworks_assets.infrastructure.templates.exchange import take

_ARN = "arn:${AWS::Partition}"
_HERE = "${AWS::Region}:${AWS::AccountId}"
_READ, _LIST = ("s3:GetObject", "s3:GetObjectTagging"), ("s3:ListBucket", "s3:GetBucketLocation")


def _bucket(name: str) -> Sub:
    return Sub(f"{_ARN}:s3:::${{bucket}}", bucket=take(name))


def _objects(name: str, below: str = "*") -> Sub:
    return Sub(f"{_ARN}:s3:::${{bucket}}/{below}", bucket=take(name))


def _tables_of_glue() -> tuple[str, ...]:
    return tuple(f"{_ARN}:glue:{_HERE}:{what}" for what in ("catalog", "database/*", "table/*"))


def catalog_statements() -> tuple[Statement, ...]:
    """What registers tables in Glue."""
    return (
        Statement(
            "TablesAreRegistered",
            "Databases, tables and partitions are made and pointed at published files",
            (
                *("glue:GetDatabase", "glue:CreateDatabase", "glue:GetTable", "glue:GetTables", "glue:CreateTable"),
                *("glue:UpdateTable", "glue:GetPartitions", "glue:BatchGetPartition", "glue:BatchCreatePartition"),
                *("glue:BatchUpdatePartition", "glue:BatchDeletePartition"),
            ),
            _tables_of_glue(),
        ),
    )


def lake_statements() -> tuple[Statement, ...]:
    """What reads exports and writes tables and records: the job and Dagster do both."""
    return (
        Statement(
            "ExportsAreListed",
            "Planning lists data files and manifests; their absence is told from a refusal",
            _LIST,
            (_bucket("InputBucket"), _bucket("ManifestBucket"), _bucket("OutputBucket"), _bucket("LogBucket")),
        ),
        Statement(
            "ExportsAreRead",
            "Data files and manifests are read, never changed",
            ("s3:GetObject",),
            (_objects("InputBucket"), _objects("ManifestBucket")),
        ),
        Statement(
            "TablesAreWritten",
            "Attempts are written with their tags, taken back where they fail, retagged and collected as garbage",
            (*_READ, "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:AbortMultipartUpload"),
            (_objects("OutputBucket"),),
        ),
        Statement(
            "LogsAreWrittenAndRead",
            "Logs of applications are kept, and their ends shown where one fails",
            ("s3:GetObject", "s3:PutObject"),
            (_objects("LogBucket"),),
        ),
        Statement(
            "ObjectsAreDecrypted",
            "Buckets are encrypted with these keys",
            ("kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"),
            (take("DataKeyArn"), If("HasInputKey", Ref("InputKeyArn"), take("DataKeyArn"))),
        ),
        Statement(
            "KeyServiceKnowsUs",
            "Certificate and key by which the key service is asked for data keys",
            ("secretsmanager:GetSecretValue",),
            (Ref("KeyServiceSecretArn"),),
        ),
    )


def sample_statements() -> tuple[Statement, ...]:
    """What the end-to-end test needs, which writes a sample export as its producer would; in force in development alone."""
    return (
        Statement(
            "SampleIsWritten",
            "The end-to-end test of a deployment writes a day of the sample export, in development alone",
            ("s3:PutObject", "s3:DeleteObject"),
            (_objects("InputBucket"), _objects("ManifestBucket")),
        ),
    )


_LOGS_ARE_SHIPPED = Statement(
    "LogsAreShipped",
    "Lines of applications go to the log group of the product while they run",
    ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"),
    (f"{_ARN}:logs:{_HERE}:log-group:/app/*",),
)


def job_statements() -> tuple[Statement, ...]:
    """What only the nodes of a cluster do."""
    return (
        Statement(
            "NodesAreNamed",
            "An instance is renamed to what its metrics say, `<service>-<role>-<8 hex>`",
            ("ec2:CreateTags",),
            (f"{_ARN}:ec2:{_HERE}:instance/*",),
            conditions={
                "ForAllValues:StringEquals": {"aws:TagKeys": ["Name"]},
                "StringEquals": {"aws:ResourceTag/Application": "dataworks"},
            },
        ),
        _LOGS_ARE_SHIPPED,
        Statement(
            "LogGroupsAreLookedUp",
            "EMR's agent on nodes looks for the log group of clusters, which is made here, with its retention",
            ("logs:DescribeLogGroups",),
            (f"{_ARN}:logs:{_HERE}:log-group:*",),
        ),
    )


DISK_ACTIONS = (
    *("kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
)
"""What EBS calls in the name of whoever has an instance made whose disks are encrypted with a customer's key."""
GRANTS_OF_AWS = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
"""Keeps grants to those that a service of AWS asks for, for a resource of its own."""


def disk_statements() -> tuple[Statement, ...]:
    """What EMR itself needs to have nodes made whose disks the security configuration encrypts with the platform's key."""
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
    """What EMR itself needs for clusters with Hive over an existing metastore's database; in force where there is one."""
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


def rotation_statements() -> tuple[Statement, ...]:
    """What operators' action of rotating the metastore's password needs; Dagster never reads the password."""
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
    """What starts, uses and ends clusters; `roles` are those that they get."""
    ours = {"StringEquals": {"elasticmapreduce:ResourceTag/Application": "dataworks"}}
    clusters = f"{_ARN}:elasticmapreduce:{_HERE}:cluster/*"
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
    """What only Dagster does; `roles` are those that it gives to clusters."""
    return (
        _LOGS_ARE_SHIPPED,
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
            tuple(f"{_ARN}:dynamodb:{_HERE}:table/{name}" for name in TABLE_KEYS),
        ),
        Statement(
            "CollectionsAreConfigured",
            "Secrets that say which collections there are, and their tags",
            ("secretsmanager:GetSecretValue",),
            (f"{_ARN}:secretsmanager:{_HERE}:secret:${{CollectionSecretsPath}}/*",),
        ),
    )


def partner_statements() -> tuple[Statement, ...]:
    """What the role does by which a partner's bucket is reached: nothing but take their role on."""
    return (
        Statement(
            "PartnersRoleIsAssumed",
            "Kickstart reads a partner's files in their account by their role, in sessions that are tagged with the run",
            CHAINED,
            (Ref("PartnerRoleArn"),),
        ),
    )


def database_statements(secret: Any) -> tuple[Statement, ...]:
    """What Dagster's services and runs need for their database."""
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
    """What starts Dagster's containers; `secrets` are those they find in their environment."""
    return (
        Statement(
            "ImagesAreTaken",
            "The image comes from the registry of this account",
            ("ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability"),
            (f"{_ARN}:ecr:{_HERE}:repository/*",),
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
            (f"{_ARN}:logs:{_HERE}:log-group:/app/dagster/:*",),
        ),
    )


NODES_GET_THEIR_ROLE = Statement(
    "NodesGetTheirRole",
    "EMR gives the nodes that it starts the role made for them, and no other",
    ("iam:PassRole",),
    (take("NodeRoleArn"),),
    conditions={"StringLike": {"iam:PassedToService": "ec2.amazonaws.com*"}},
)
