"""The stacks in the order in which they are created, and what is generated from them: templates and Markdown tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from troposphere import Template

from dataworks_assets.infrastructure import parameters
from dataworks_assets.infrastructure.templates.access import clusters, lake
from dataworks_assets.infrastructure.templates.access import dagster as of_dagster
from dataworks_assets.infrastructure.templates.cluster import cluster
from dataworks_assets.infrastructure.templates.dagster import dagster
from dataworks_assets.infrastructure.templates.data import data
from dataworks_assets.infrastructure.templates.messages import messages
from dataworks_assets.infrastructure.templates.network import network
from dataworks_assets.infrastructure.templates.relay import relay_statements


@dataclass(frozen=True)
class Stack:
    """One CloudFormation stack.

    Args:
        name: its name without the prefix.
        meaning: what is in it.
        make: returns its template.
    """

    name: str
    meaning: str
    make: Callable[[], Template]

    def body(self) -> str:
        """The template as JSON, reproducible."""
        return json.dumps(self.document(), indent=1, sort_keys=True) + "\n"

    def document(self) -> dict[str, Any]:
        """The template as CloudFormation takes it."""
        made: dict[str, Any] = json.loads(self.make().to_json())
        return made

    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters."""
        return tuple(self.document()["Parameters"])


STACKS = (
    Stack("data", "Key, buckets, status tables, log groups of the jobs", data),
    Stack("messages", "Topics, queues, notices to Slack, their alarms", messages),
    Stack("network", "Network or your own, endpoints, security groups", network),
    Stack("cluster", "Roles and security configuration of EMR clusters", cluster),
    Stack("dagster", "PostgreSQL, webserver, daemon, code server, pages with sign-in, their alarms", dagster),
)
"""Each may use the exports of those before it."""


def synthesise(folder: Path) -> list[Path]:
    """Writes every template into a folder, creating it, and returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for stack in STACKS:
        path = folder / f"{stack.name}.json"
        path.write_text(stack.body(), encoding="utf-8")
        written.append(path)
    return written


def parameter_table() -> str:
    """Returns a Markdown table of everything that a deployer may choose."""
    used = {name: [stack.name for stack in STACKS if name in stack.parameters()] for name in (c.name for c in parameters.ALL)}
    rows = ["| parameter | stacks | default | meaning |", "|---|---|---|---|"]
    for choice in (
        parameters.PREFIX,
        parameters.ENVIRONMENT,
        *(c for c in parameters.ALL if c.name not in {"Prefix", "Environment"}),
    ):
        default = "to be said" if choice.default is None else f"`{choice.default}`" if choice.default else "empty"
        values = f" One of {', '.join(f'`{each}`' for each in choice.allowed)}." if choice.allowed else ""
        stacks = "all" if len(used[choice.name]) == len(STACKS) else ", ".join(used[choice.name])
        rows.append(f"| `{choice.name}` | {stacks} | {default} | {choice.meaning}{values} |")
    return "\n".join(rows) + "\n"


def permission_table() -> str:
    """Returns a Markdown table of every statement of every role, with its reason."""
    rows = ["| stack | role | statement | reason | actions |", "|---|---|---|---|---|"]
    reasons = _reasons()
    for stack in STACKS:
        for role, statement in _statements(stack.document()):
            if statement["Sid"] in reasons:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                shown = ", ".join(f"`{action}`" for action in actions)
                rows.append(f"| {stack.name} | {role} | {statement['Sid']} | {reasons[statement['Sid']]} | {shown} |")
    return "\n".join(rows) + "\n"


def _reasons() -> dict[str, str]:
    everything = (
        *(*lake.catalog_statements(), *lake.lake_statements(), *clusters.job_statements(), *clusters.metastore_statements()),
        *clusters.disk_statements(),
        *of_dagster.rotation_statements(),
        *lake.sample_statements(),
        *lake.partner_statements(),
        *(
            *relay_statements(),
            *of_dagster.dagster_statements(("", "")),
            *of_dagster.database_statements(""),
            *of_dagster.container_statements(),
            clusters.NODES_GET_THEIR_ROLE,
        ),
    )
    return {
        statement.name: statement.reason + (f" ({statement.unbounded})" if statement.unbounded else "")
        for statement in everything
    }


def _statements(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, resource in document["Resources"].items():
        said = resource["Properties"]
        if resource["Type"] == "AWS::IAM::Role":
            found += [(name, each) for policy in said.get("Policies", ()) for each in policy["PolicyDocument"]["Statement"]]
        elif resource["Type"] == "AWS::IAM::Policy":
            found += [(role["Ref"], each) for role in said["Roles"] for each in said["PolicyDocument"]["Statement"]]
    return found
