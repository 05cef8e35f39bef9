"""The partner of the embedded stack: a bucket of another account in the emulated S3, with the roles that lead to it.

The emulation has accounts, but checks neither who may assume a role nor when a session ends; tests simulate that themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from dataworks_assets.stack.state import ACCESS_KEY, REGION, SECRET_KEY

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import LifecycleRuleTypeDef

ACCOUNT = "222222222222"
BUCKET = "kickstart-partner"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/dataworks-ksr"
EXPIRY_DAYS = 7
_OWNED = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}


def provision_partner(endpoint: str) -> tuple[str, ...]:
    """Creates the partner's bucket with its lifecycle rule; returns what had to be created."""
    client = _as_partner(endpoint)
    try:
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _OWNED:
            return ()
        raise
    put_rules(client, {})
    return (f"bucket {BUCKET} of account {ACCOUNT}",)


def expire_soon(endpoint: str, prefix: str, *, days: int) -> None:
    """Adds a rule by which objects below a prefix expire after some days."""
    put_rules(_as_partner(endpoint), {prefix: days})


def put_rules(client: S3Client, prefixes: dict[str, int]) -> None:
    """Sets the bucket's rules: the partner's own for all objects, and one per prefix."""
    rules: list[LifecycleRuleTypeDef] = [
        {"ID": f"rule-{number}", "Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": days}}
        for number, (prefix, days) in enumerate({"": EXPIRY_DAYS, **prefixes}.items())
    ]
    client.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": rules})


def _as_partner(endpoint: str) -> S3Client:
    """Connects as the partner: the emulation treats a session's keys as belonging to its role's account."""
    keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, "region_name": REGION}
    given = boto3.client("sts", endpoint_url=endpoint, **keys).assume_role(RoleArn=ROLE, RoleSessionName="partner")  # type: ignore[call-overload]
    session = given["Credentials"]
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
