"""Why an application on EMR ended, in words: what AWS says of step and cluster, and what to do about it."""

from __future__ import annotations

from dataworks_assets.engines.base import Outcome
from dataworks_assets.engines.emr.calls import CLUSTER_ENDING, ClusterView, StepView

_AGAIN = "Run it again: what is published is not redone"
_BY_CODE = {
    "BOOTSTRAP_FAILURE": (
        "it failed in bootstrapping",
        "Look at node/<instance>/bootstrap-actions below the cluster's logs; where the environment is at fault,"
        " `dataworks deploy artefacts` makes it anew",
        False,
    ),
    "VALIDATION_ERROR": ("AWS could not make it", "Correct what the message names in `engine.emr` of the deployment", False),
    "INSTANCE_FAILURE": (
        "its instances were lost, as by a spot reclaim",
        f"{_AGAIN}. If it ends so again, lower spot_percent or name more instance types",
        True,
    ),
    "INSTANCE_FLEET_TIMEOUT": (
        "there was no capacity for it in time",
        f"{_AGAIN}. If it ends so again, name more instance types or subnets",
        True,
    ),
    "INTERNAL_ERROR": ("AWS failed", f"{_AGAIN}. If it ends so again, look at the state of AWS", True),
    "USER_REQUEST": (
        "somebody terminated it",
        f"See who ended it, and why: `dataworks ledger acts` says so, else CloudTrail. {_AGAIN}",
        True,
    ),
}


def outcome_of(cluster: ClusterView, step: StepView) -> Outcome:
    """Returns how an application ended.

    Args:
        cluster: its last known state.
        step: its last known state.
    """
    if step.state == "COMPLETED":
        return Outcome(succeeded=True)
    said = f": {step.message}" if step.message else ""
    reason = f"step {step.id} is {step.state}{said}"
    known = _BY_CODE.get(cluster.code) if cluster.state in CLUSTER_ENDING else None
    if known is not None:
        what, remedy, transient = known
        words = f" ({cluster.code}: {cluster.message})" if cluster.message else f" ({cluster.code})"
        return Outcome(
            succeeded=False,
            reason=f"cluster {cluster.id} is {cluster.state}: {what}{words}; {reason}",
            remedy=remedy,
            transient=transient,
        )
    if step.state == "CANCELLED":
        return Outcome(succeeded=False, reason=f"{reason}; somebody cancelled it on cluster {cluster.id}", remedy=f"{_AGAIN}")
    return Outcome(succeeded=False, reason=f"{reason}; cluster {cluster.id} is {cluster.state}")
