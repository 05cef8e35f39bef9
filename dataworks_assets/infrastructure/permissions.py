"""IAM permissions: each statement has a reason, without which it cannot be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from troposphere import Sub


@dataclass(frozen=True)
class Statement:
    """One permission of a role.

    Args:
        name: of the statement, in letters and digits.
        reason: what it is needed for, in a sentence for reviewers.
        actions: `service:Action`, without wildcards.
        resources: what it applies to: ARNs, or texts for `Fn::Sub`.
        conditions: in IAM's form.
        unbounded: why the resource may be `*`: AWS has no narrower one for these actions.
    """

    name: str
    reason: str
    actions: tuple[str, ...]
    resources: tuple[Any, ...]
    conditions: Mapping[str, Any] = field(default_factory=dict)
    unbounded: str = ""

    def as_policy(self) -> dict[str, Any]:
        """The statement in IAM's form."""
        resources = [Sub(each) if isinstance(each, str) and "${" in each else each for each in self.resources]
        said: dict[str, Any] = {"Sid": self.name, "Effect": "Allow", "Action": list(self.actions), "Resource": resources}
        return said | ({"Condition": dict(self.conditions)} if self.conditions else {})


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    """Returns a policy's document."""
    return {"Version": "2012-10-17", "Statement": [statement.as_policy() for statement in statements]}


def trust(service: str, *, conditions: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the trust policy by which an AWS service may assume a role."""
    said: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [said | ({"Condition": dict(conditions)} if conditions else {})]}


CHAINED = ("sts:AssumeRole", "sts:TagSession")
"""The actions for assuming a role with tags that say which run it is."""


def trust_of_roles(arns: Sequence[Any], actions: Sequence[str]) -> dict[str, Any]:
    """Returns the trust policy by which other roles may assume a role."""
    said = {"Effect": "Allow", "Principal": {"AWS": list(arns)}, "Action": list(actions)}
    return {"Version": "2012-10-17", "Statement": [said]}


OWN_ACCOUNT = {"StringEquals": {"aws:SourceAccount": Sub("${AWS::AccountId}")}}
"""Condition that keeps another account's resources from using a service's access (confused deputy)."""
