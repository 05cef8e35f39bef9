"""The rotation of the metastore's password as a Dagster job, confirmed by a phrase typed into the run configuration.

(Annotations are not postponed in this module: Dagster reads those of the op to find its configuration.)
"""

from dagster import Config, JobDefinition, OpExecutionContext, job, op
from pydantic import Field

from dataworks_assets.systems.acts import BY, NO_RETRIES, new_act
from dataworks_assets.systems.confirming import DRY, is_confirmed
from dataworks_assets.systems.ending import told_plainly
from dataworks_assets.systems.metastore import MetastorePassword
from dataworks_assets.systems.platform import Platform


class RotateConfig(Config):
    """Who has the password rotated."""

    by: str = Field(description=BY)
    confirmation: str = Field(default="", description="Type `rotate <name of the secret>`; a dry run says the name.")
    dry_run: bool = Field(default=False, description=DRY)


@op(name="rotate_metastore_password", required_resource_keys={"platform"})
@told_plainly()
def _rotate(context: OpExecutionContext, config: RotateConfig) -> None:
    platform = context.resources.platform
    password = MetastorePassword(platform)
    plan = password.plan()
    if is_confirmed(context, plan, config.confirmation, dry_run=config.dry_run):
        act = new_act(platform, "rotate", {"secret": plan.secret}, by=config.by, via=f"run {context.run_id}")
        version = password.rotate(plan, act)
        context.log.info("done by %s (%s); version %s is current", act.by, act.identity, version)
        context.add_output_metadata({"version": version})


@job(
    name="metastore_rotate_password",
    description="Gives the user of the Hive metastore's database another password.",
    tags=NO_RETRIES,
)
def _rotating() -> None:
    _rotate()


def build_metastore_jobs(platform: Platform) -> list[JobDefinition]:
    """Returns the job, if the deployment's clusters run Hive over a metastore database; else none."""
    emr = platform.settings.deployment.engine.emr
    return [_rotating] if emr is not None and emr.metastore is not None else []
