"""Hive's configuration on a cluster with an existing metastore database; the password is a reference, never the value."""

from __future__ import annotations

from typing import Any

from dataworks_assets.config.nodes import MetastoreDatabaseConfig

SECRET_MARK = "EMR.secret@"  # noqa: S105 - marks the name of a property, and is no secret
"""Prefix of a property whose value is a secret's ARN: EMR writes the secret's text into the node's file, and shows only the
ARN (EMR Release Guide, "Store sensitive configuration data in AWS Secrets Manager")."""


def metastore_configuration(database: MetastoreDatabaseConfig) -> dict[str, Any]:
    """Returns the classification of Hive's own configuration."""
    properties = {
        "javax.jdo.option.ConnectionURL": database.url,
        "javax.jdo.option.ConnectionDriverName": database.driver,
        "javax.jdo.option.ConnectionUserName": database.user,
        f"{SECRET_MARK}javax.jdo.option.ConnectionPassword": database.password_secret,
    }
    return {"Classification": "hive-site", "Properties": properties}
