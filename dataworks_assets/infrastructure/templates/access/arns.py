"""ARNs that the statements of several roles use."""

from __future__ import annotations

from troposphere import Sub

from dataworks_assets.infrastructure.permissions import Statement
from dataworks_assets.infrastructure.templates.exchange import take

ARN = "arn:${AWS::Partition}"
HERE = "${AWS::Region}:${AWS::AccountId}"


def bucket(name: str) -> Sub:
    """Returns the ARN of a bucket of another stack."""
    return Sub(f"{ARN}:s3:::${{bucket}}", bucket=take(name))


def objects_of(name: str, below: str = "*") -> Sub:
    """Returns the ARN of a bucket's objects."""
    return Sub(f"{ARN}:s3:::${{bucket}}/{below}", bucket=take(name))


LOGS_ARE_SHIPPED = Statement(
    "LogsAreShipped",
    "Lines of applications go to the log group of the product while they run",
    ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"),
    (f"{ARN}:logs:{HERE}:log-group:/app/*",),
)
