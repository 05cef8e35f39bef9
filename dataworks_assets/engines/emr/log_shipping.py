"""How nodes ship what steps, drivers and executors print to CloudWatch: by EMR's own integration (release 7.11 and later).

Nothing of ours runs on a node for it: EMR follows the files of every step and container, which only it knows in time, and its
agent needs no internet. What bootstrap actions print, and everything again, is in the log address on S3.
"""

from __future__ import annotations

import re
from typing import Any

AGENT = "AmazonCloudWatchAgent"
"""EMR's application that ships."""
WITHOUT_METRICS: dict[str, Any] = {
    "Classification": "emr-metrics",
    "Properties": {},
    "Configurations": [{"Classification": "emr-system-metrics", "Properties": {}, "Configurations": []}],
}
"""The agent would push metrics of its own, which cost: Prometheus has them."""
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
