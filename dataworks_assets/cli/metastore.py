"""`dataworks metastore`: the password of the database under the Hive metastore."""

from __future__ import annotations

import typer

from dataworks_assets.cli.confirming import DryRunOption, YesOption, confirmed
from dataworks_assets.cli.workplace import workplace_of

app = typer.Typer(help="The password of the Hive metastore's database: rotate it.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `rotate` a command of its own while it is the only one."""


@app.command()
def rotate(ctx: typer.Context, dry_run: DryRunOption = False, yes: YesOption = False) -> None:
    """Give the user of the Hive metastore's database another password, by the rotation function of its secret.

    Clusters that start from then on use it; those that run keep the present one until they end.

    [bold]Examples[/]

    dataworks -d aws metastore rotate --dry-run

    dataworks -d aws metastore rotate
    """
    from dataworks_assets.systems.acts import new_act
    from dataworks_assets.systems.metastore import MetastorePassword

    workplace = workplace_of(ctx)
    password = MetastorePassword(workplace.platform)
    plan = password.plan()
    if not confirmed(workplace, plan.words, dry_run=dry_run, yes=yes):
        return
    with workplace.notes.status("Waiting for the rotation's end …"):
        version = password.rotate(plan, new_act(workplace.platform, "rotate", {"secret": plan.secret}))
    workplace.console.print(f"Rotated: version {version} of {plan.secret} is current.", markup=False, soft_wrap=True)
