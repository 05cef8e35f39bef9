"""Applies the templates to an account: one change set per stack, shown before it is executed.

Stacks are applied in order. A failure is reported with the resource and AWS' reason, and the previous state stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dataworks_assets.infrastructure.stacks import Stack
from spark.errors import ConfigurationError, DataworksError

_POLL_SECONDS = 5.0
_PATIENCE_SECONDS = 2 * 3600.0
_NOTHING = ("didn't contain changes", "No updates are to be performed", "no changes")
_CAPABILITIES = ["CAPABILITY_IAM"]


class InfrastructureError(DataworksError):
    """AWS did not make a stack as its template says."""


@contextmanager
def aws_errors(where: str = "CloudFormation") -> Iterator[None]:
    """Turns AWS' refusals, and calls that do not reach AWS, into one error.

    Args:
        where: what is being worked on, for the error.

    Raises:
        InfrastructureError
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except ClientError as error:
        told = error.response["Error"]
        what = f"AWS refuses {error.operation_name}: {told.get('Code', '')}: {told.get('Message', '')}"
        remedy = "Correct what it names (a right of this role, its session, a parameter), then call again: what stands stays"
        raise InfrastructureError(what, where=where, remedy=remedy) from error
    except NoCredentialsError as error:
        remedy = "Log in to the account, as by `aws sso login`, or name a profile by AWS_PROFILE"
        raise InfrastructureError("there are no AWS credentials", where=where, remedy=remedy) from error
    except BotoCoreError as error:
        remedy = "Look at the region, at the way to AWS and at this machine's credentials, then call again"
        raise InfrastructureError(f"AWS cannot be asked: {error}", where=where, remedy=remedy) from error


@dataclass(frozen=True)
class Change:
    """One resource that a change set touches; `replaced` means that it is deleted and created anew."""

    action: str
    resource: str
    kind: str
    replaced: bool = False


@dataclass(frozen=True)
class Prepared:
    """A change set that has not been executed yet."""

    stack: Stack
    stack_name: str
    change_set: str
    is_new: bool
    changes: tuple[Change, ...]


@dataclass
class Applier:
    """Prepares and executes change sets of stacks.

    Args:
        client: of CloudFormation.
        prefix: what every name begins with.
        values: what the deployer chose, by parameter.
        environment: kind of environment.
        poll_seconds: time between two polls.
        patience_seconds: how long one stack may take.
    """

    client: Any
    prefix: str
    environment: str
    values: Mapping[str, str] = field(default_factory=dict)
    poll_seconds: float = _POLL_SECONDS
    patience_seconds: float = _PATIENCE_SECONDS

    def stack_name(self, stack: Stack) -> str:
        """The name of a stack in the account."""
        return f"{self.prefix}-{stack.name}"

    def is_there(self, stack: Stack) -> bool:
        """Whether a stack already exists."""
        from botocore.exceptions import ClientError

        try:
            (found,) = self.client.describe_stacks(StackName=self.stack_name(stack))["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return False
            raise
        return bool(found["StackStatus"] != "REVIEW_IN_PROGRESS")

    def prepare(self, stack: Stack) -> Prepared | None:
        """Returns a stack's change set; None if there is nothing to change.

        Raises:
            ConfigurationError: a parameter without a default is not given.
            InfrastructureError: AWS refuses the template or its parameters.
        """
        name, document = self.stack_name(stack), stack.document()
        is_new = not self.is_there(stack)
        change_set = f"dataworks-{int(time.time() * 1000)}"
        with aws_errors(f"stack {name}"):
            self.client.create_change_set(
                StackName=name,
                ChangeSetName=change_set,
                ChangeSetType="CREATE" if is_new else "UPDATE",
                TemplateBody=stack.body(),
                Parameters=self._parameters(stack, document, is_new=is_new),
                Capabilities=_CAPABILITIES,
                Tags=[{"Key": "Application", "Value": "dataworks"}, {"Key": "Environment", "Value": self.environment}],
            )
        told = self._wait(lambda: self.client.describe_change_set(StackName=name, ChangeSetName=change_set), "Status")
        if told["Status"] == "FAILED":
            self._refuse_unless_nothing(name, change_set, told.get("StatusReason", ""))
            return None
        changes = tuple(_change(each["ResourceChange"]) for each in told.get("Changes", ()))
        return Prepared(stack, name, change_set, is_new, changes)

    def discard(self, prepared: Prepared) -> None:
        """Discards a change set that was not executed."""
        self.client.delete_change_set(StackName=prepared.stack_name, ChangeSetName=prepared.change_set)

    def execute(self, prepared: Prepared, *, say: Callable[[str], None]) -> None:
        """Executes a change set and waits until it has ended.

        Raises:
            InfrastructureError: it failed; CloudFormation has rolled back.
        """
        with aws_errors(f"stack {prepared.stack_name}"):
            self.client.execute_change_set(StackName=prepared.stack_name, ChangeSetName=prepared.change_set)
        seen: set[str] = set()

        def look() -> dict[str, Any]:
            for event in self._new_events(prepared.stack_name, seen):
                say(f"{event['LogicalResourceId']}: {event['ResourceStatus'].replace('_', ' ').lower()}")
            (stack,) = self.client.describe_stacks(StackName=prepared.stack_name)["Stacks"]
            return {"Status": stack["StackStatus"]}

        ended = self._wait(look, "Status")["Status"]
        if ended not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise InfrastructureError(
                f"the stack ended as {ended}: {self._reason(prepared.stack_name)}",
                where=prepared.stack_name,
                remedy="Correct the parameter or the account's limit that the reason names, then apply again",
            )

    def outputs(self, stack: Stack) -> dict[str, str]:
        """Returns a stack's outputs, by name."""
        (found,) = self.client.describe_stacks(StackName=self.stack_name(stack))["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())}

    def _parameters(self, stack: Stack, document: Mapping[str, Any], *, is_new: bool) -> list[dict[str, Any]]:
        said = {"Prefix": self.prefix, "Environment": self.environment, **self.values}
        given: list[dict[str, Any]] = []
        missing = []
        for name, parameter in document["Parameters"].items():
            if name in said:
                given.append({"ParameterKey": name, "ParameterValue": said[name]})
            elif not is_new:
                given.append({"ParameterKey": name, "UsePreviousValue": True})
            elif "Default" not in parameter:
                missing.append(f"{name} ({parameter['Description']})")
        if missing:
            raise ConfigurationError(
                f"not said: {'; '.join(missing)}",
                where=f"stack {stack.name}",
                remedy="Say each with --set NAME=VALUE, or in the file of --parameters",
            )
        return given

    def _refuse_unless_nothing(self, name: str, change_set: str, reason: str) -> None:
        self.client.delete_change_set(StackName=name, ChangeSetName=change_set)
        if not any(words in reason for words in _NOTHING):
            raise InfrastructureError(f"AWS refuses the change: {reason}", where=name, remedy="Correct what the reason names")

    def _wait(self, look: Callable[[], dict[str, Any]], key: str) -> dict[str, Any]:
        ends = time.monotonic() + self.patience_seconds
        while (told := look())[key].endswith(("_IN_PROGRESS", "_PENDING")):
            if time.monotonic() > ends:
                raise InfrastructureError(
                    f"CloudFormation still says {told[key]} after {self.patience_seconds / 3600:.1f} hours",
                    where=self.prefix,
                    remedy="Look at the stack's events in CloudFormation; apply again when it has ended",
                )
            time.sleep(self.poll_seconds)
        return told

    def _new_events(self, name: str, seen: set[str]) -> Iterator[dict[str, Any]]:
        events = self.client.describe_stack_events(StackName=name)["StackEvents"]
        for event in reversed(events):
            if event["EventId"] not in seen:
                seen.add(event["EventId"])
                yield event

    def _reason(self, name: str) -> str:
        events = self.client.describe_stack_events(StackName=name)["StackEvents"]
        failed = [event for event in reversed(events) if event["ResourceStatus"].endswith("FAILED")]
        if not failed:
            return "no resource says why"
        first = failed[0]
        return f"{first['LogicalResourceId']} ({first['ResourceType']}): {first.get('ResourceStatusReason', 'no reason given')}"


def _change(told: Mapping[str, Any]) -> Change:
    return Change(
        action=told["Action"],
        resource=told["LogicalResourceId"],
        kind=told["ResourceType"],
        replaced=told.get("Replacement") == "True",
    )
