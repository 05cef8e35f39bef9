"""Persistent data: the encryption key, the buckets, the status tables, the log groups."""

from __future__ import annotations

from typing import Any

from troposphere import Equals, GetAtt, If, Ref, Sub, Template, dynamodb, kms, logs, s3

from dataworks_assets.infrastructure import parameters
from dataworks_assets.infrastructure.names import CLUSTER_LOG_GROUP, EXPIRY_ATTRIBUTE, TABLE_KEYS, Names, product_log_groups
from dataworks_assets.infrastructure.templates.access.clusters import DISK_ACTIONS, GRANTS_OF_AWS
from dataworks_assets.infrastructure.templates.exchange import IS_PRODUCTION, give, tags

NAMES = Names("${Prefix}")
_ABORT_DAYS = 3
_OLD_VERSION_DAYS = 30
_ACCOUNT_ROOT = Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")


def data() -> Template:
    """Returns the stack's template."""
    template = parameters.template(
        "dataworks: key, buckets, status tables, log groups",
        parameters.EXISTING_INPUT_BUCKET,
        parameters.EXISTING_MANIFEST_BUCKET,
        parameters.LOG_DAYS,
    )
    template.add_condition(IS_PRODUCTION, Equals(Ref("Environment"), "production"))
    key = _key(template)
    _buckets(template, key)
    _tables(template, key)
    for name in product_log_groups():
        _log_group(template, name, key)
    of_clusters = _log_group(template, CLUSTER_LOG_GROUP, key)
    give(template, "ClusterLogGroup", Ref(of_clusters), "Log group of what runs on clusters")
    return template


def _log_group(template: Template, name: str, key: kms.Key) -> logs.LogGroup:
    title = "".join(part.title() for part in name.removeprefix("/app/").strip("/").split("-"))
    return template.add_resource(
        logs.LogGroup(
            f"{title}Logs", LogGroupName=name, RetentionInDays=Ref("LogDays"), KmsKeyId=GetAtt(key, "Arn"), Tags=tags()
        )
    )


def _of_spot_nodes() -> list[dict[str, Any]]:
    """Lets EC2's own role for spot instances use the customer's key, without which spot nodes have no encrypted disks.

    The role is named in a condition, not as a principal: it is only created with an account's first spot request, and AWS
    refuses a policy whose principal does not exist.
    """
    arn = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
    is_spot = {
        "StringEquals": {"kms:CallerAccount": Ref("AWS::AccountId")},
        "ArnEquals": {"aws:PrincipalArn": Sub(arn)},
    }
    everyone = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Resource": "*"}
    return [
        {"Sid": "DisksOfSpotNodesAreEncrypted", **everyone, "Action": list(DISK_ACTIONS), "Condition": is_spot},
        {
            "Sid": "DisksOfSpotNodesAreAttached",
            **everyone,
            "Action": "kms:CreateGrant",
            "Condition": is_spot | GRANTS_OF_AWS,
        },
    ]


def _key(template: Template) -> kms.Key:
    statements: list[dict[str, Any]] = [
        {
            "Sid": "AccountDecides",
            "Effect": "Allow",
            "Principal": {"AWS": _ACCOUNT_ROOT},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "LogsAreEncrypted",
            "Effect": "Allow",
            "Principal": {"Service": Sub("logs.${AWS::Region}.amazonaws.com")},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"],
            "Resource": "*",
            "Condition": {
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": Sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*")
                }
            },
        },
        {
            "Sid": "MessagesAreEncrypted",
            "Effect": "Allow",
            "Principal": {"Service": ["sns.amazonaws.com", "cloudwatch.amazonaws.com"]},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}},
        },
        *_of_spot_nodes(),
    ]
    key = template.add_resource(
        kms.Key(
            "DataKey",
            Description=Sub("What ${Prefix} keeps: buckets, tables, queues, logs, disks"),
            EnableKeyRotation=True,
            KeyPolicy={"Version": "2012-10-17", "Statement": statements},
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
            Tags=tags(),
        )
    )
    template.add_resource(kms.Alias("DataKeyAlias", AliasName=Sub("alias/${Prefix}"), TargetKeyId=Ref(key)))
    give(template, "DataKeyArn", GetAtt(key, "Arn"), "Key that everything is encrypted with")
    return key


def _buckets(template: Template, key: kms.Key) -> None:
    inputs = (("Input", NAMES.input_bucket), ("Manifest", NAMES.manifest_bucket))
    for title, name in inputs:
        condition = f"Makes{title}Bucket"
        template.add_condition(condition, Equals(Ref(f"Existing{title}Bucket"), ""))
        bucket = _bucket(template, title, name, key, condition=condition)
        given = If(condition, Ref(bucket), Ref(f"Existing{title}Bucket"))
        give(template, f"{title}Bucket", given, f"Bucket of the producer's {title.lower()} objects")
    logs_bucket = _bucket(template, "Log", NAMES.log_bucket, key, expires=True)
    output = _bucket(template, "Output", NAMES.output_bucket, key)
    give(template, "LogBucket", Ref(logs_bucket), "Bucket of clusters' and applications' logs")
    give(template, "OutputBucket", Ref(output), "Bucket of the tables")


def _bucket(
    template: Template,
    title: str,
    name: str,
    key: kms.Key,
    *,
    condition: str = "",
    expires: bool = False,
) -> s3.Bucket:
    """A bucket that is encrypted, versioned and closed to the public, and its policy."""
    rules = [
        s3.LifecycleRule(
            Id="LeftoversOfUploads",
            Status="Enabled",
            AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=_ABORT_DAYS),
        ),
        s3.LifecycleRule(
            Id="OldVersions",
            Status="Enabled",
            NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=_OLD_VERSION_DAYS),
        ),
    ]
    if expires:
        rules.append(s3.LifecycleRule(Id="OldLogs", Status="Enabled", ExpirationInDays=Ref("LogDays")))
    by_default = s3.ServerSideEncryptionByDefault(SSEAlgorithm="aws:kms", KMSMasterKeyID=GetAtt(key, "Arn"))
    said: dict[str, Any] = {"Condition": condition} if condition else {}
    bucket = template.add_resource(
        s3.Bucket(
            f"{title}Bucket",
            BucketName=Sub(name),
            BucketEncryption=s3.BucketEncryption(
                ServerSideEncryptionConfiguration=[
                    s3.ServerSideEncryptionRule(ServerSideEncryptionByDefault=by_default, BucketKeyEnabled=True)
                ]
            ),
            VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled"),
            PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
                BlockPublicAcls=True, BlockPublicPolicy=True, IgnorePublicAcls=True, RestrictPublicBuckets=True
            ),
            OwnershipControls=s3.OwnershipControls(Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]),
            LifecycleConfiguration=s3.LifecycleConfiguration(Rules=rules),
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
            Tags=tags(),
            **said,
        )
    )
    policy = s3.BucketPolicy(f"{title}BucketPolicy", Bucket=Ref(bucket), PolicyDocument=_bucket_policy(bucket))
    if condition:
        policy.Condition = condition
    template.add_resource(policy)
    return bucket


def _bucket_policy(bucket: s3.Bucket) -> dict[str, Any]:
    everything = [GetAtt(bucket, "Arn"), Sub("${arn}/*", arn=GetAtt(bucket, "Arn"))]
    statements: list[dict[str, Any]] = [
        {
            "Sid": "EncryptedConnectionsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": everything,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "RolesOfThisAccountOnlyThroughEndpoints",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": Sub("${arn}/*", arn=GetAtt(bucket, "Arn")),
            "Condition": {
                "Null": {"aws:SourceVpce": "true"},
                "Bool": {"aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "false"},
                "StringNotLike": {"aws:PrincipalArn": Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*-deployer")},
            },
        },
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _tables(template: Template, key: kms.Key) -> None:
    for name, (first, second) in TABLE_KEYS.items():
        title = "".join(part[0].upper() + part[1:] for part in name.split("_"))
        expiry: dict[str, Any] = {}
        if EXPIRY_ATTRIBUTE and name == next(iter(TABLE_KEYS)):
            expiry["TimeToLiveSpecification"] = dynamodb.TimeToLiveSpecification(AttributeName=EXPIRY_ATTRIBUTE, Enabled=True)
        template.add_resource(
            dynamodb.Table(
                f"{title}Table",
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    dynamodb.AttributeDefinition(AttributeName=each, AttributeType="S") for each in (first, second)
                ],
                KeySchema=[
                    dynamodb.KeySchema(AttributeName=first, KeyType="HASH"),
                    dynamodb.KeySchema(AttributeName=second, KeyType="RANGE"),
                ],
                PointInTimeRecoverySpecification=dynamodb.PointInTimeRecoverySpecification(PointInTimeRecoveryEnabled=True),
                SSESpecification=dynamodb.SSESpecification(SSEEnabled=True, SSEType="KMS", KMSMasterKeyId=GetAtt(key, "Arn")),
                DeletionProtectionEnabled=If(IS_PRODUCTION, True, False),
                DeletionPolicy="Retain",
                UpdateReplacePolicy="Retain",
                Tags=tags(),
                **expiry,
            )
        )
