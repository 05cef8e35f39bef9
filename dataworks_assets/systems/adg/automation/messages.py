"""The export's completion message: JSON whose `additional_step_args` name correlation id, prefix, type and date.

On the queue it is either raw or in an SNS envelope. `additional_step_args` maps a step's name (`submit-job`) to a list of
arguments, each name followed by its value; a plain list is accepted too, and other arguments are ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime

from dataworks_assets.config.deployment import Deployment
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.prefixes import fill
from dataworks_assets.systems.adg.correlation import misfit_of
from spark.contract import Document
from spark.errors import InputError

_NAMES = ("correlation_id", "s3_prefix", "snapshot_type", "export_date")
_REMEDY = "Have the producer send the export's message again, in its documented form"
_MOST_CHARACTERS = 1024
_DIGEST_CHARACTERS = 32


class ExportMessage(Document, frozen=True):
    """What the producer says about a completed export. `s3_prefix` has no leading or trailing slash."""

    correlation_id: str
    s3_prefix: str
    snapshot_type: SnapshotType
    export_date: date

    @property
    def digest(self) -> str:
        """A digest of the content: the same for a repeated message, however it is wrapped."""
        said = (self.correlation_id, self.s3_prefix, self.snapshot_type.value, self.export_date.isoformat())
        return hashlib.sha256("\n".join(said).encode()).hexdigest()[:_DIGEST_CHARACTERS]


def parse_message(body: str) -> ExportMessage:
    """Returns the message in a queue message's body.

    Raises:
        InputError: the body is not such a message; says what is missing or wrong.
    """
    arguments = _arguments(_unwrapped(_object(body)))
    missing = [f"--{name}" for name in _NAMES if not arguments.get(name, "").strip()]
    if missing:
        raise InputError(f"the message does not say {', '.join(missing)}", remedy=_REMEDY)
    if misfit := misfit_of(arguments["correlation_id"].strip()):
        raise InputError(f"--correlation_id {misfit}", remedy=_REMEDY)
    return ExportMessage(
        correlation_id=arguments["correlation_id"].strip(),
        s3_prefix=arguments["s3_prefix"].strip().strip("/"),
        snapshot_type=_snapshot_type(arguments["snapshot_type"].strip()),
        export_date=_export_date(arguments["export_date"].strip()),
    )


def refuse_foreign(message: ExportMessage, deployment: Deployment) -> None:
    """Refuses a message about another deployment's export.

    Raises:
        InputError: its prefix is not that of this deployment's export of that type and day.
    """
    template = deployment.prefixes.data
    expected = fill(template, export_date=message.export_date, snapshot_type=message.snapshot_type)
    if message.s3_prefix.removeprefix(f"{deployment.store.scheme}://{deployment.buckets.input}/") != expected:
        raise InputError(
            f"the prefix {message.s3_prefix!r} is not this deployment's",
            remedy=f"It must be {expected!r}: correct the producer's, or `prefixes.data` of the deployment",
        )


def _object(text: str) -> dict[str, object]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputError(f"the message is no JSON: {error}", remedy=_REMEDY) from error
    if not isinstance(document, dict):
        raise InputError("the message is no JSON object", remedy=_REMEDY)
    return document


def _unwrapped(document: dict[str, object]) -> dict[str, object]:
    """Takes a message out of its SNS envelope, if it has one."""
    inner = document.get("Message")
    return _object(inner) if document.get("Type") == "Notification" and isinstance(inner, str) else document


def _arguments(document: dict[str, object]) -> dict[str, str]:
    if "additional_step_args" not in document:
        raise InputError("the message has no additional_step_args", remedy=_REMEDY)
    steps = document["additional_step_args"]
    lists = list(steps.values()) if isinstance(steps, dict) else [steps]
    found: dict[str, str] = {}
    for arguments in lists:
        if not isinstance(arguments, list) or not all(isinstance(each, str) for each in arguments):
            raise InputError("additional_step_args is no list of texts, nor lists by step", remedy=_REMEDY)
        for name, value in _pairs(arguments):
            if name not in _NAMES:
                continue
            if len(value) > _MOST_CHARACTERS:
                raise InputError(f"--{name} is longer than {_MOST_CHARACTERS} characters", remedy=_REMEDY)
            if found.setdefault(name, value) != value:
                raise InputError(f"the message says two things of --{name}", remedy=_REMEDY)
    return found


def _pairs(arguments: list[str]) -> Iterator[tuple[str, str]]:
    """Yields the named arguments: `--name value`, or `--name=value`."""
    for index, argument in enumerate(arguments):
        if not argument.startswith("--"):
            continue
        name, separator, value = argument.removeprefix("--").partition("=")
        following = arguments[index + 1] if index + 1 < len(arguments) else "--"
        if separator:
            yield name, value
        elif not following.startswith("--"):
            yield name, following


def _snapshot_type(text: str) -> SnapshotType:
    try:
        return SnapshotType(text.lower())
    except ValueError as error:
        raise InputError(f"the snapshot type {text!r} is neither full nor incremental", remedy=_REMEDY) from error


def _export_date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - an export date has no time zone
    except ValueError as error:
        raise InputError(f"the export date {text!r} is no date of the form YYYY-MM-DD", remedy=_REMEDY) from error
