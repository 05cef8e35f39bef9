"""`dataworks config`: check what is configured, show it, and write what editors and readers need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
import yaml
from rich.syntax import Syntax
from rich.table import Column, Table

from dataworks_assets.cli.consoles import make_console
from dataworks_assets.cli.selection import COLLECTION_HELP, select_anywhere
from dataworks_assets.config.collections import CollectionConfig
from dataworks_assets.config.kickstart import PartnerCollectionConfig
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.reference import collections_schema, deployment_schema, partner_schema, schema_text, with_tables
from dataworks_assets.config.settings import Settings
from dataworks_assets.stack.bring_up import opened
from dataworks_assets.systems.every import rooms_of
from dataworks_assets.systems.platform import Platform

app = typer.Typer(help="Check and show what is configured.", no_args_is_help=True)


@app.command()
def check() -> None:
    """Load everything and show what is configured, or all that is wrong with it."""
    settings = load_settings(opened=opened)
    folded = (Column("collection", overflow="fold"), "snapshots", "layout", Column("tables", overflow="fold"))
    table = Table(*folded, "PII", "owners")
    for config in sorted(settings.collections, key=lambda config: config.name):
        table.add_row(*_row(config))
    for partner in sorted(settings.partner, key=lambda each: each.name):
        table.add_row(*_partner_row(settings, partner))
    console = make_console()
    console.print(table)
    assets = sum(len(config.snapshot_types) for config in settings.collections) + len(settings.partner)
    collections = len(settings.collections) + len(settings.partner)
    console.print(
        f"Deployment [bold]{settings.deployment.name}[/] ({settings.deployment.environment}): "
        f"{collections} collections, {assets} assets, from {len(settings.files)} files. Nothing is wrong."
    )


@app.command()
def show(
    collection: Annotated[str | None, typer.Argument(help=f"{COLLECTION_HELP} None: the deployment.")] = None,
) -> None:
    """Show the deployment, or what a job gets of a collection, with all defaults filled in."""
    settings = load_settings(opened=opened)
    document = _deployment(settings) if collection is None else _collection(settings, collection)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    console = make_console()
    if console.is_terminal:
        console.print(Syntax(text, "yaml", background_color="default"))
    else:
        typer.echo(text, nl=False)


@app.command()
def schema(folder: Annotated[Path, typer.Argument(help="Folder of the reference pages.")] = Path("docs/reference")) -> None:
    """Write the JSON schemas for editors, and bring the tables of the reference page up to date."""
    folder.mkdir(parents=True, exist_ok=True)
    schemas = {"deployment": deployment_schema(), "collections": collections_schema(), "partner": partner_schema()}
    for name, document in schemas.items():
        path = folder / f"{name}.schema.json"
        path.write_text(schema_text(document), encoding="utf-8")
        typer.echo(f"wrote {path}")
    page = folder / "configuration.md"
    if page.is_file():
        page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
        typer.echo(f"brought {page} up to date")


def _row(config: CollectionConfig) -> tuple[str, ...]:
    main = f"{config.database}.{config.table_name}" if config.database else config.table_name
    columns = f" ({len(config.columns)} columns)" if config.columns else ""
    return (
        config.name,
        "\n".join(config.snapshot_types),
        f"{config.layout}{columns}",
        "\n".join([main, *(f"{table.database}.{table.table}" for table in config.tables)]),
        config.tags.get("pii", "not said"),
        "\n".join(config.owners),
    )


def _partner_row(settings: Settings, config: PartnerCollectionConfig) -> tuple[str, ...]:
    source = settings.deployment.kickstart
    columns = f" ({len(config.columns)} columns)" if config.columns else ""
    table = f"{source.database}.{config.table_name}" if source else config.table_name
    follows = "follows its source" if config.evolves else "fixed"
    return (config.name, "partner", f"{follows}{columns}", table, str(config.pii).lower(), "\n".join(config.owners))


def _deployment(settings: Settings) -> dict[str, object]:
    return settings.deployment.model_dump(mode="json")


def _collection(settings: Settings, name: str) -> dict[str, object]:
    """Returns what a collection is built to in each system or snapshot type that has one of this name, by the asset's key."""
    return {
        "/".join(scoped.key_path): {**msgspec.to_builtins(scoped.job, builtin_types=()), "output_hash": scoped.config_hash}
        for _, chosen in select_anywhere(rooms_of(Platform(settings)), [name])
        for scoped in chosen
    }
