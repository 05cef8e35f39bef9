"""Hive's configuration on a cluster over an existing metastore's database: the password by reference, never by value."""

from __future__ import annotations

from typing import Any

from dataworks_assets.config.nodes import MetastoreDatabaseConfig

SECRET_MARK = "EMR.secret@"  # noqa: S105 - marks the name of a property, and is no secret
"""Before a property's name: its value is a secret's ARN. EMR puts the secret's text into the node's file in its stead, and
shows the ARN alone (EMR Release Guide, "Store sensitive configuration data in AWS Secrets Manager")."""


def metastore_configuration(database: MetastoreDatabaseConfig) -> dict[str, Any]:
    """Returns the classification of Hive's own configuration."""
    properties = {
        "javax.jdo.option.ConnectionURL": database.url,
        "javax.jdo.option.ConnectionDriverName": database.driver,
        "javax.jdo.option.ConnectionUserName": database.user,
        f"{SECRET_MARK}javax.jdo.option.ConnectionPassword": database.password_secret,
    }
    return {"Classification": "hive-site", "Properties": properties}
