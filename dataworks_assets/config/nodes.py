"""What runs on the nodes of EMR's clusters beside jobs. Nothing is started here.

The exporters' ports are the ones that security groups, the daemons' options and Prometheus' configuration have in common.
"""

from __future__ import annotations

from collections.abc import Mapping

from dataworks_assets.config.model import Model

JMX_PORTS: Mapping[str, int] = {"NameNode": 7101, "DataNode": 7103, "ResourceManager": 7105, "NodeManager": 7107}
"""Of the JMX exporter in each of Hadoop's daemons."""
NODE_EXPORTER_PORT = 9100


class ExportersConfig(Model):
    """What Prometheus scrapes on nodes: the JMX exporter in Hadoop's daemons (7101 to 7107), the node exporter (9100)."""

    node_exporter: str | None = None
    """Program of the node exporter for the nodes' processors: a path on the machine that deploys, or an object `s3://...`.
    Null: that of Debian's package prometheus-node-exporter where it is installed and fits the nodes; else nodes have none."""
