"""`dataworks infrastructure`: write and apply the templates of what the platform runs on in an AWS account."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console

from dataworks_assets.cli.showing import plural, table, write_json
from dataworks_assets.config.yaml_source import read_yaml
from dataworks_assets.infrastructure.apply import Applier, Prepared, aws_errors
from dataworks_assets.infrastructure.given import installation
from dataworks_assets.infrastructure.guard import violations
from dataworks_assets.infrastructure.parameters import ENVIRONMENT
from dataworks_assets.infrastructure.stacks import STACKS, Stack, parameter_table, permission_table, synthesise
from spark.errors import ConfigurationError

app = typer.Typer(
    help="What the platform runs on in an AWS account: CloudFormation stacks, written out and applied.", no_args_is_help=True
)

_CHOICES = [stack.name for stack in STACKS]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--stack", help=f"Only this stack: {', '.join(_CHOICES)}. May be given several times.")
]
PrefixOption = Annotated[str, typer.Option(help="What every name begins with; bucket names are one space in all of AWS.")]
EndpointOption = Annotated[
    str | None, typer.Option(help="Address of the AWS APIs, for an emulated account.", envvar="AWS_ENDPOINT_URL")
]
RegionOption = Annotated[str, typer.Option(help="Region of the stacks.", envvar="AWS_REGION")]


@app.command("synth")
def synth(
    output: Annotated[Path, typer.Option(help="Folder of the templates.")] = Path("build/infrastructure"),
    docs: Annotated[
        Path | None, typer.Option(help="Write the tables of parameters and permissions into this page too.")
    ] = None,
) -> None:
    """Write the templates, and check them against the security rules. Nothing is called.

    dataworks infrastructure synth --output build/infrastructure
    """
    console = Console(highlight=False)
    for path in synthesise(output):
        console.print(f"wrote {path}")
    _refuse_violations()
    if docs is not None:
        docs.write_text(page(), encoding="utf-8")
        console.print(f"wrote {docs}")


@app.command("apply")
@aws_errors()
def apply(
    environment: Annotated[str, typer.Option(help="development, qa, integration, preprod or production.")],
    prefix: PrefixOption = "dataworks",
    parameters: Annotated[Path | None, typer.Option(help="YAML file of parameters: NAME: value.")] = None,
    said: Annotated[list[str] | None, typer.Option("--set", help="A parameter, NAME=VALUE; goes before the file's.")] = None,
    only: OnlyOption = None,
    region: RegionOption = "eu-west-2",
    endpoint: EndpointOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a stack is changed.")] = False,
    write: Annotated[
        Path | None, typer.Option("--write", help="Write what the deployment's configuration needs into this file.")
    ] = None,
) -> None:
    """Bring an account to what the templates say, stack by stack; each shows its changes and asks first.

    dataworks infrastructure apply --environment development --parameters development.yaml --dry-run

    Parameters that are not said keep the value they have. What fails goes back to what stood before.
    """
    _refuse_violations()
    if environment not in ENVIRONMENT.allowed:
        raise ConfigurationError(
            f"there is no kind of environment {environment!r}",
            where="--environment",
            remedy=f"Use one of: {', '.join(ENVIRONMENT.allowed)}",
        )
    console = Console(highlight=False)
    applier = Applier(_client(region, endpoint), prefix, environment, _values(parameters, said or ()))
    outputs: dict[str, str] = {}
    for stack in _selected(only):
        prepared = applier.prepare(stack)
        if prepared is None:
            console.print(f"{applier.stack_name(stack)}: nothing to change")
        else:
            _show(console, prepared)
            if dry_run or not (yes or typer.confirm(f"Change {prepared.stack_name}?")):
                applier.discard(prepared)
                console.print(f"{prepared.stack_name}: left as it is")
                if prepared.is_new:
                    return  # the stacks behind it take what it would give
                continue
            applier.execute(prepared, say=lambda line: console.print(f"  {line}", markup=False))
            console.print(f"{prepared.stack_name}: done")
        outputs |= applier.outputs(stack)
    if write is not None:
        document = installation(outputs, region=region)
        write.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        console.print(f"wrote {write}: name it as `installation` in the deployment")


@app.command("show")
@aws_errors()
def show(
    prefix: PrefixOption = "dataworks",
    region: RegionOption = "eu-west-2",
    endpoint: EndpointOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show what the stacks of an account give."""
    applier = Applier(_client(region, endpoint), prefix, "")
    found = {stack.name: applier.outputs(stack) for stack in STACKS if applier.is_there(stack)}
    if as_json:
        write_json(found)
        return
    printed = table("stack", "output", "value")
    for name, outputs in found.items():
        for output, value in outputs.items():
            printed.add_row(name, output, value)
    Console(highlight=False).print(printed)


def page() -> str:
    """Returns the reference page of the infrastructure."""
    stacks = "\n".join(f"{number}. `{stack.name}`: {stack.meaning}." for number, stack in enumerate(STACKS, 1))
    return (
        "# Infrastructure: parameters and permissions\n\n"
        "Written by `make infra-synth`; how to use it is in [the how-to](../how-to.md#put-it-into-an-aws-account).\n\n"
        f"## Stacks, in their order\n\n{stacks}\n\n"
        f"## Parameters\n\n{parameter_table()}\n"
        "## Permissions\n\nEvery statement of every role, with its reason.\n\n"
        f"{permission_table()}"
    )


def _refuse_violations() -> None:
    found = [f"stack {stack.name}: {what}" for stack in STACKS for what in violations(stack.document())]
    if found:
        raise ConfigurationError(
            "; ".join(found), where="the templates", remedy="Correct them in dataworks_assets/infrastructure"
        )


def _selected(only: list[str] | None) -> list[Stack]:
    unknown = [name for name in only or () if name not in _CHOICES]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is no stack: there is {', '.join(_CHOICES)}")
    return [stack for stack in STACKS if not only or stack.name in only]


def _values(path: Path | None, said: list[str] | tuple[str, ...]) -> dict[str, str]:
    known = {name for stack in STACKS for name in stack.parameters()}
    found = dict(read_yaml(path).data) if path is not None else {}
    for each in said:
        name, sign, value = each.partition("=")
        if not sign:
            raise typer.BadParameter(f"{each!r} is not NAME=VALUE")
        found[name] = value
    if unknown := sorted(set(found) - known):
        raise ConfigurationError(
            f"there is no parameter {unknown[0]!r}",
            where=str(path or "--set"),
            remedy="docs/reference/infrastructure.md has them all",
        )
    return {str(name): ",".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in found.items()}


def _show(console: Console, prepared: Prepared) -> None:
    printed = table("", "resource", "type")
    for change in prepared.changes:
        action = "replace" if change.replaced else change.action.lower()
        printed.add_row(action, change.resource, change.kind)
    what = "will be made" if prepared.is_new else "will be changed"
    console.print(f"{prepared.stack_name} {what}: {plural(len(prepared.changes), 'resource')}")
    console.print(printed)


def _client(region: str, endpoint: str | None) -> Any:
    import boto3

    return boto3.client("cloudformation", region_name=region, endpoint_url=endpoint)
