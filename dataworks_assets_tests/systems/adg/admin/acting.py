"""What operators' tests look at, and their jobs run as the UI runs them."""

from datetime import UTC, datetime

from dataworks_assets.systems.acts import read_acts
from dataworks_assets.systems.adg.admin_jobs import build_admin_jobs

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def row(world, correlation_id="c-1"):
    return world.tables.row("rows", correlation_id, "ADG-full")


def acts(world):
    return read_acts(world.store, world.scope.control_uri)


def run_job(world, platform, name, instance, **config):
    """Runs an admin job as the UI does; returns whether it succeeded, and its messages."""
    job = next(each for each in build_admin_jobs(world.scope) if each.name.endswith(name))
    [op] = [node.name for node in job.nodes]
    result = job.execute_in_process(
        run_config={"ops": {op: {"config": {"day": "2026-11-20", "by": "ann", **config}}}},
        resources={"platform": platform},
        instance=instance,
        raise_on_error=False,
    )
    said = [entry.user_message for entry in instance.all_logs(result.run_id)]
    failures = [event.step_failure_data.user_failure_data for event in result.all_events if event.is_step_failure]
    return result.success, said + [each.description for each in failures if each]
