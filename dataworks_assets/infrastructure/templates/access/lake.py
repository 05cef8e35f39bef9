"""Permissions to read sources and write the lake, shared by the job on a cluster's nodes and Dagster."""

from __future__ import annotations

from troposphere import If, Ref

from dataworks_assets.infrastructure.permissions import CHAINED, Statement
from dataworks_assets.infrastructure.templates.access.arns import ARN, HERE, bucket, objects_of
from dataworks_assets.infrastructure.templates.exchange import take

_READ, _LIST = ("s3:GetObject", "s3:GetObjectTagging"), ("s3:ListBucket", "s3:GetBucketLocation")


def _tables_of_glue() -> tuple[str, ...]:
    return tuple(f"{ARN}:glue:{HERE}:{what}" for what in ("catalog", "database/*", "table/*"))


def catalog_statements() -> tuple[Statement, ...]:
    """Permissions to register tables in Glue."""
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
    """Permissions to read exports and write tables and records, for the job and for Dagster."""
    return (
        Statement(
            "ExportsAreListed",
            "Planning lists data files and manifests; their absence is told from a refusal",
            _LIST,
            (bucket("InputBucket"), bucket("ManifestBucket"), bucket("OutputBucket"), bucket("LogBucket")),
        ),
        Statement(
            "ExportsAreRead",
            "Data files and manifests are read, never changed",
            ("s3:GetObject",),
            (objects_of("InputBucket"), objects_of("ManifestBucket")),
        ),
        Statement(
            "TablesAreWritten",
            "Attempts are written with their tags, taken back where they fail, retagged and collected as garbage",
            (*_READ, "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:AbortMultipartUpload"),
            (objects_of("OutputBucket"),),
        ),
        Statement(
            "LogsAreWrittenAndRead",
            "Logs of applications are kept, and their ends shown where one fails",
            ("s3:GetObject", "s3:PutObject"),
            (objects_of("LogBucket"),),
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
    """Permissions of the end-to-end test, which writes a sample export as the producer would; only in development."""
    return (
        Statement(
            "SampleIsWritten",
            "The end-to-end test of a deployment writes a day of the sample export, in development alone",
            ("s3:PutObject", "s3:DeleteObject"),
            (objects_of("InputBucket"), objects_of("ManifestBucket")),
        ),
    )


def partner_statements() -> tuple[Statement, ...]:
    """Permissions of the role that leads to a partner's bucket: only to assume the partner's role."""
    return (
        Statement(
            "PartnersRoleIsAssumed",
            "Kickstart reads a partner's files in their account by their role, in sessions that are tagged with the run",
            CHAINED,
            (Ref("PartnerRoleArn"),),
        ),
    )
