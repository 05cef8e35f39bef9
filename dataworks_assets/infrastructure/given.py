"""The part of a deployment's configuration that an installation's resources decide, as one document.

`aws` deployments refer to the document (`installation:`). The embedded stack provisions the same names, so a configuration
for one fits the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dataworks_assets.infrastructure.names import COLLECTION_TABLE, STATUS_TABLE

_DEPLOYMENT_KEYS: Mapping[tuple[str, ...], str] = {
    ("buckets", "input"): "InputBucket",
    ("buckets", "manifests"): "ManifestBucket",
    ("buckets", "output"): "OutputBucket",
    ("buckets", "logs"): "LogBucket",
    ("store", "sse_kms_key_id"): "DataKeyArn",
    ("exports", "queue"): "MessageQueueUrl",
    ("notices", "topic"): "NoticeTopicArn",
    ("ledger", "completion_topic"): "CompletionTopicArn",
    ("ledger", "pdm", "topic"): "PdmTopicArn",
    ("engine", "emr", "service_role"): "ServiceRole",
    ("engine", "emr", "instance_profile"): "NodeProfile",
    ("engine", "emr", "security_configuration"): "ClusterSecurity",
    ("engine", "emr", "log_group"): "ClusterLogGroup",
    ("engine", "emr", "node_security_group"): "ClusterGroup",
    ("engine", "emr", "access_security_group"): "ClusterAccessGroup",
}
"""The field of a deployment that each output of the stacks fills."""
_FIXED: Mapping[tuple[str, ...], object] = {
    ("ledger", "status_table"): STATUS_TABLE,
    ("ledger", "collection_table"): COLLECTION_TABLE,
    # The first tag limits what Dagster's role may do to a cluster, the second what EMR's own role may do.
    ("engine", "emr", "tags"): {"Application": "dataworks", "for-use-with-amazon-emr-managed-policies": "true"},
}


def installation(outputs: Mapping[str, str], *, region: str) -> dict[str, Any]:
    """Returns the part of a deployment that the stacks' outputs decide.

    Args:
        outputs: of all stacks, by name.
        region: where they are.
    """
    found: dict[str, Any] = {}
    for place, output in _DEPLOYMENT_KEYS.items():
        if output in outputs:
            _put(found, place, outputs[output])
    for place, value in _FIXED.items():
        _put(found, place, value)
    for part in ("store", "aws"):
        _put(found, (part, "region"), region)
    if "Subnets" in outputs:
        _put(found, ("engine", "emr", "subnets"), outputs["Subnets"].split(","))
    return found


def _put(document: dict[str, Any], place: tuple[str, ...], value: object) -> None:
    *path, last = place
    for name in path:
        document = document.setdefault(name, {})
    document[last] = value
