"""`dataworks deploy`: upload what runs on clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dataworks_assets.cli.workplace import Workplace, workplace_of
from spark.errors import ConfigurationError

if TYPE_CHECKING:
    from dataworks_assets.config.emr import EmrConfig

app = typer.Typer(help="Put what runs elsewhere where it is run from.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `artefacts` a command of its own while it is the only one."""


@app.command()
def artefacts(ctx: typer.Context) -> None:
    """Build and upload what clusters of EMR are made with: the job, its Python environment, bootstrap scripts, exporters.

    Everything is named by its content: what is there already is not uploaded again, and a running cluster never changes.
    New clusters are made with this version from now on.

    [bold]Example[/]

    dataworks -d aws deploy artefacts
    """
    deploy_artefacts(workplace_of(ctx))


def deploy_artefacts(workplace: Workplace) -> None:
    """Deploys the artefacts of the workplace's deployment, saying what is done.

    Raises:
        ConfigurationError: its jobs do not run on EMR.
    """
    from dataworks_assets.engines.emr.build import deploy
    from dataworks_assets.engines.factory import artefacts_uri

    deployment = workplace.settings.deployment
    if deployment.engine.emr is None:
        raise ConfigurationError(
            f"the jobs of the deployment {deployment.name!r} do not run on EMR: nothing has to be deployed for them",
            remedy="Name another one: `dataworks -d <deployment> deploy artefacts`",
        )
    store = workplace.platform.store

    def say(line: str) -> None:
        workplace.notes.print(f"  {line}", markup=False, soft_wrap=True)

    emr = deployment.engine.emr
    with (
        workplace.notes.status("Building and uploading what clusters are made with …"),
        _exporters(workplace, emr, say) as files,
    ):
        deploy(store, artefacts_uri(deployment), python=emr.python, files=files, say=say)


@contextmanager
def _exporters(workplace: Workplace, emr: EmrConfig, say: Callable[[str], None]) -> Iterator[dict[str, Path]]:
    """Gives the exporters of a deployment's nodes, by name; none where it has none."""
    from dataworks_assets.engines.emr.exporters import JMX_AGENT, node_exporter
    from dataworks_assets.stack.jars import EXPORTERS, ensure_jars

    if emr.exporters is None:
        yield {}
        return
    (agent,) = ensure_jars(workplace.settings.environment.home / EXPORTERS.folder, jars=EXPORTERS, say=say)
    with node_exporter(emr.exporters, workplace.platform.store, python=emr.python, say=say) as program:
        yield {JMX_AGENT: agent, **program}
