"""EMR's API as the engine uses it: calls with retries, and AWS errors turned into the platform's own.

A call that changes something is never repeated if it may have been carried out, because EMR supports no client token. Its
outcome is then unknown, and the caller has to look for it. Nothing is decided here.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from spark.errors import EngineError

CLUSTER_READY = frozenset({"RUNNING", "WAITING"})
CLUSTER_ENDED = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})
CLUSTER_ENDING = CLUSTER_ENDED | {"TERMINATING"}
CLUSTER_LIVING = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
STEP_ENDED = frozenset({"COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED"})

_THROTTLED = frozenset({"ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidClientTokenId"})
_SERVER_ERRORS = 500
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0

_MOST_TERMINATED = 10
"""Most clusters in one TerminateJobFlows call, as AWS documents it."""


class OutcomeUnknownError(EngineError):
    """A call that changes something may or may not have been carried out."""


class ThrottledError(EngineError):
    """AWS throttles the calls."""


@dataclass(frozen=True)
class ClusterView:
    """A cluster as the API shows it."""

    id: str
    name: str
    state: str
    code: str = ""
    message: str = ""
    created: datetime | None = None
    ready: datetime | None = None
    ended: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StepView:
    """A step as the API shows it."""

    id: str
    name: str
    state: str
    message: str = ""


@dataclass
class EmrCalls:
    """Calls of one region.

    Args:
        make_client: makes a boto3 client that does not retry by itself; called again when credentials have expired.
        sleep: pauses between tries.
        attempts: of one call.
    """

    make_client: Callable[[], Any]
    sleep: Callable[[float], None] = time.sleep
    attempts: int = 6
    _client: Any = field(default=None, repr=False)

    def run_job_flow(self, request: Mapping[str, Any]) -> str:
        """Starts a cluster and returns its id.

        Raises:
            OutcomeUnknownError: it may have been started.
            EngineError: AWS refuses it.
        """
        return str(self._call("run_job_flow", request, repeats=False)["JobFlowId"])

    def add_step(self, cluster_id: str, step: Mapping[str, Any]) -> str:
        """Adds a step and returns its id.

        Raises:
            OutcomeUnknownError: it may have been added.
            EngineError: AWS refuses it.
        """
        answer = self._call("add_job_flow_steps", {"JobFlowId": cluster_id, "Steps": [step]}, repeats=False)
        return str(answer["StepIds"][0])

    def describe_cluster(self, cluster_id: str, *, attempts: int | None = None) -> ClusterView:
        """Returns a cluster with its tags."""
        return _cluster_view(self._call("describe_cluster", {"ClusterId": cluster_id}, attempts=attempts)["Cluster"])

    def describe_step(self, cluster_id: str, step_id: str, *, attempts: int | None = None) -> StepView:
        """Returns a step."""
        found = self._call("describe_step", {"ClusterId": cluster_id, "StepId": step_id}, attempts=attempts)
        return _step_view(found["Step"])

    def list_clusters(self, *, states: Sequence[str] = (), after: datetime | None = None) -> Iterator[ClusterView]:
        """Yields clusters in these states (any if empty) that were created after a time, newest first, without tags."""
        wanted: dict[str, Any] = {}
        if states:
            wanted["ClusterStates"] = list(states)
        if after:
            wanted["CreatedAfter"] = after
        for page in self._pages("list_clusters", wanted):
            yield from map(_cluster_view, page.get("Clusters", ()))

    def list_steps(self, cluster_id: str) -> Iterator[StepView]:
        """Yields a cluster's steps, newest first."""
        for page in self._pages("list_steps", {"ClusterId": cluster_id}):
            yield from map(_step_view, page.get("Steps", ()))

    def cancel_step(self, cluster_id: str, step_id: str, *, kill: bool) -> None:
        """Cancels a step; does nothing if it has ended."""
        option = "TERMINATE_PROCESS" if kill else "SEND_INTERRUPT"
        wanted = {"ClusterId": cluster_id, "StepIds": [step_id], "StepCancellationOption": option}
        self._call("cancel_steps", wanted)

    def terminate(self, cluster_ids: Sequence[str]) -> None:
        """Terminates clusters, as many per call as AWS accepts; those that have ended are left alone."""
        for first in range(0, len(cluster_ids), _MOST_TERMINATED):
            self._call("terminate_job_flows", {"JobFlowIds": list(cluster_ids[first : first + _MOST_TERMINATED])})

    def _pages(self, operation: str, parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        marker: dict[str, str] = {}
        while True:
            page = self._call(operation, {**parameters, **marker})
            yield page
            if not page.get("Marker"):
                return
            marker = {"Marker": page["Marker"]}

    def _call(
        self, operation: str, parameters: Mapping[str, Any], *, repeats: bool = True, attempts: int | None = None
    ) -> Mapping[str, Any]:
        """Calls an operation, and retries it if that can help and do no harm.

        Args:
            operation: its name in boto3.
            parameters: its parameters.
            repeats: whether carrying it out twice does no harm.
            attempts: number of attempts; overrides this object's.
        """
        most = attempts or self.attempts
        for attempt in range(1, most + 1):
            try:
                return self._call_once(operation, parameters, repeats=repeats)
            except EngineError as error:
                if not error.transient or isinstance(error, OutcomeUnknownError) or attempt == most:
                    raise
            pause_seconds = min(_FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), _LONGEST_PAUSE_SECONDS)
            self.sleep(pause_seconds * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
        raise AssertionError("never reached")

    def _call_once(self, operation: str, parameters: Mapping[str, Any], *, repeats: bool) -> Mapping[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

        if self._client is None:
            self._client = self.make_client()
        try:
            answer: Mapping[str, Any] = getattr(self._client, operation)(**parameters)
        except ClientError as error:
            raise self._client_error(operation, error, repeats=repeats) from error
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            raise EngineError(f"EMR cannot be reached: {error}", where=operation, remedy=_RETRY) from error
        except BotoCoreError as error:
            if type(error).__name__ in _NO_CREDENTIALS:
                raise _denied(operation, str(error)) from error
            raise _failed(operation, str(error), repeats=repeats) from error
        return answer

    def _client_error(self, operation: str, error: Any, *, repeats: bool) -> EngineError:
        code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _THROTTLED:
            return ThrottledError(f"EMR wants fewer calls: {message}", where=operation, remedy=_RETRY)
        if code in _EXPIRED:
            self._client = None  # the next try takes fresh ones
            return EngineError(f"the credentials have expired: {message}", where=operation, remedy=_RETRY)
        if code in _DENIED:
            return _denied(operation, message)
        if status >= _SERVER_ERRORS or code.startswith(("Internal", "ServiceUnavailable")):
            return _failed(operation, f"{code}: {message}", repeats=repeats)
        return EngineError(
            f"EMR refuses the call: {message.rstrip('.')}",
            where=operation,
            remedy="Correct `engine.emr` of the deployment, or whatever the message names",
            transient=False,
        )


_RETRY = "Retry; if it stays, look at the state of AWS and at the way to it"
_NO_CREDENTIALS = frozenset({"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"})


def _denied(operation: str, message: str) -> EngineError:
    action = "".join(part.capitalize() for part in operation.split("_"))
    remedy = f"Let this process have a role that may elasticmapreduce:{action}"
    return EngineError(f"the call is not allowed: {message}", where=operation, remedy=remedy, transient=False)


def _failed(operation: str, message: str, *, repeats: bool) -> EngineError:
    kind = EngineError if repeats else OutcomeUnknownError
    return kind(f"EMR did not answer: {message}", where=operation, remedy=_RETRY)


def _cluster_view(document: Mapping[str, Any]) -> ClusterView:
    status = document["Status"]
    reason, timeline = status.get("StateChangeReason", {}), status.get("Timeline", {})
    return ClusterView(
        id=document["Id"],
        name=document["Name"],
        state=status["State"],
        code=reason.get("Code", ""),
        message=reason.get("Message", ""),
        created=timeline.get("CreationDateTime"),
        ready=timeline.get("ReadyDateTime"),
        ended=timeline.get("EndDateTime"),
        tags={tag["Key"]: tag.get("Value", "") for tag in document.get("Tags", ())},
    )


def _step_view(document: Mapping[str, Any]) -> StepView:
    status = document["Status"]
    told = [status.get("StateChangeReason", {}).get("Message", ""), status.get("FailureDetails", {}).get("Reason", "")]
    return StepView(document["Id"], document["Name"], status["State"], " ".join(text for text in told if text))
