"""`dataworks dev`: Dagster's UI and daemon on this machine, with the embedded stack if the deployment uses it."""

from __future__ import annotations

from typing import Annotated

import typer

from dataworks_assets.cli.workplace import workplace_of

app = typer.Typer()


@app.command()
def dev(
    ctx: typer.Context,
    port: Annotated[int | None, typer.Option("--port", "-p", help="Port of the UI; 3000 where that is free, else any.")] = None,
) -> None:
    """Run Dagster's UI and daemon until interrupted; the embedded stack is started where it is needed, and stays.

    Where they run already on this machine's state folder, it says at which address.

    [bold]Example[/]

    dataworks dev --port 3001
    """
    from dataworks_assets.cli.dagster_dev import dagster_dev
    from dataworks_assets.cli.dagster_home import open_instance, prepare_dagster_home
    from dataworks_assets.cli.webserver import find_webserver

    workplace = workplace_of(ctx)
    environment = workplace.child_environment()
    folder = prepare_dagster_home(workplace.settings)
    if (there := find_webserver(folder)) is not None:  # two daemons over one storage would start every run twice
        workplace.console.print(f"Dagster's UI runs already: [bold]{there.url}[/]", soft_wrap=True)
        return
    with open_instance(workplace.settings):
        pass  # runs whose process died are ended, so that the daemon does not wait for them
    try:
        with dagster_dev(folder, environment, port=port) as running:
            workplace.console.print(f"Dagster's UI is at [bold]{running.url}[/]. Ctrl-C ends it; the stack goes on.")
            code = running.wait()
    except KeyboardInterrupt:
        return
    raise typer.Exit(code)
