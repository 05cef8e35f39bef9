"""What runs on the nodes of EMR's clusters beside jobs. Nothing is started here.

The exporters' ports are the ones that security groups, the daemons' options and Prometheus' configuration have in common.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from dataworks_assets.config.model import Model

JMX_PORTS: Mapping[str, int] = {"NameNode": 7101, "DataNode": 7103, "ResourceManager": 7105, "NodeManager": 7107}
"""Of the JMX exporter in each of Hadoop's daemons."""
NODE_EXPORTER_PORT = 9100
_PASSWORD = re.compile(r"[?&;](user|password|pwd)=", re.IGNORECASE)


class ExportersConfig(Model):
    """What Prometheus scrapes on nodes: the JMX exporter in Hadoop's daemons (7101 to 7107), the node exporter (9100)."""

    node_exporter: str | None = None
    """Program of the node exporter for the nodes' processors: a path on the machine that deploys, or an object `s3://...`.
    Null: that of Debian's package prometheus-node-exporter where it is installed and fits the nodes; else nodes have none."""


class MetastoreDatabaseConfig(Model):
    """The database of an existing Hive metastore, over which a cluster's own Hive and its metastore service work."""

    url: Annotated[str, Field(pattern=r"^jdbc:(mysql|mariadb|postgresql)://[^@]+$")]
    """JDBC address, such as `jdbc:mysql://host:3306/hive_metastore`; without user and password."""
    user: str = Field(min_length=1)
    """The database user."""
    password_secret: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^:]+$")]
    """ARN of the secret whose whole text is the password. EMR itself reads it, by its service role, when a cluster's nodes are
    made; a cluster's description shows the ARN."""
    driver: str = "org.mariadb.jdbc.Driver"
    """Class of the JDBC driver; EMR's nodes have MariaDB's, which speaks to MySQL too."""

    @property
    def region(self) -> str:
        """The secret's region."""
        return self.password_secret.split(":")[3]

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if _PASSWORD.search(self.url):
            raise ValueError("url: a password stands in it, and a cluster's description would show it; name password_secret")
        return self
