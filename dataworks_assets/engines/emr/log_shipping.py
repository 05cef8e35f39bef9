"""How nodes ship the output of steps, drivers and executors to CloudWatch: by EMR's own integration (release 7.11 and later).

Nothing of ours runs on a node for it: EMR tails the files of every step and container, which only it knows in time, and its
agent needs no internet access. The log address on S3 has all of it too, and what bootstrap actions print.
"""

from __future__ import annotations

import re
from typing import Any

AGENT = "AmazonCloudWatchAgent"
"""The EMR application that ships logs."""
WITHOUT_METRICS: dict[str, Any] = {
    "Classification": "emr-metrics",
    "Properties": {},
    "Configurations": [{"Classification": "emr-system-metrics", "Properties": {}, "Configurations": []}],
}
"""Switches off the agent's own metrics, which cost money: Prometheus has them."""
_TYPES = ("STEP_LOGS", "SPARK_DRIVER", "SPARK_EXECUTOR")


def monitoring(log_group: str, cluster_name: str) -> dict[str, Any]:
    """Returns the monitoring of a cluster: streams begin with its name, `<cluster>/steps/<step>/stderr`."""
    return {
        "CloudWatchLogConfiguration": {
            "Enabled": True,
            "LogGroupName": log_group,
            "LogStreamNamePrefix": re.sub(r"[:*]", "-", cluster_name),
            "LogTypes": {each: ["STDOUT", "STDERR"] for each in _TYPES},
        }
    }
