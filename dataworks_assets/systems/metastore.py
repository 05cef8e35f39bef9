"""Rotating the password of the Hive metastore's database: planned and shown, confirmed, recorded, then done and awaited.

The secret's own rotation function changes the database user's password. No password is read or set here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dataworks_assets.config.nodes import MetastoreDatabaseConfig
from dataworks_assets.engines.emr.clusters import Clusters
from dataworks_assets.systems.acts import Act, record_act
from dataworks_assets.systems.clusters import clusters_of
from dataworks_assets.systems.platform import Platform
from spark.errors import ConfigurationError, EngineError

_CURRENT, _PENDING = "AWSCURRENT", "AWSPENDING"
_PATIENCE_SECONDS, _LOOK_SECONDS = 180.0, 2.0
_NAMED = 5
_PERHAPS_LATER = frozenset({"ThrottlingException", "InternalServiceError", "RequestTimeout"})


@dataclass(frozen=True)
class Rotation:
    """A password that is to be rotated.

    Args:
        secret: name of the secret.
        arn: ARN of the secret.
        user: the database user.
        function: the rotation function that will set the new password.
        rotated: time of the last rotation, if any.
        clusters: ids of clusters that run with the current password.
    """

    secret: str
    arn: str
    user: str
    function: str
    rotated: datetime | None
    clusters: tuple[str, ...]

    @property
    def phrase(self) -> str:
        """The phrase that has to be typed to confirm it."""
        return f"rotate {self.secret}"

    @property
    def words(self) -> str:
        """What would be done."""
        last = f"last rotated {self.rotated:%Y-%m-%d %H:%M}" if self.rotated else "never rotated"
        said = (
            f"Have {self.function} give the database user {self.user} another password, into the secret {self.secret} ({last})."
            " Clusters that start from then on use it"
        )
        if not self.clusters:
            return f"{said}; none runs with the present one"
        named = ", ".join(self.clusters[:_NAMED]) + (" and more" if len(self.clusters) > _NAMED else "")
        return (
            f"{said}. {len(self.clusters)} that run keep the present one until they end ({named}): their Hive reaches the"
            " database only while the function lets that one stay valid"
        )


@dataclass(frozen=True)
class MetastorePassword:
    """Plans and carries out the rotation.

    Args:
        platform: the deployment's clients.
        sleep: pauses.
        clock: seconds from any start, never going back.
    """

    platform: Platform
    sleep: Callable[[float], None] = field(default=time.sleep)
    clock: Callable[[], float] = field(default=time.monotonic)

    def plan(self) -> Rotation:
        """Returns what a rotation would do.

        Raises:
            ConfigurationError: there is no such password, it has no rotation function, or a rotation is under way.
            EngineError: the secret or the clusters cannot be looked up.
        """
        clusters = clusters_of(self.platform)
        database = _database(clusters)
        with _told(database.password_secret):
            secret = self._client(database).describe_secret(SecretId=database.password_secret)
        if not secret.get("RotationLambdaARN"):
            raise ConfigurationError(
                "the secret has no rotation function",
                where=secret["Name"],
                remedy="Give it one in Secrets Manager; docs/runbook.md says what it has to do",
            )
        unfinished = [version for version, stages in _stages(secret).items() if _PENDING in stages and _CURRENT not in stages]
        if unfinished:
            raise ConfigurationError(
                f"a rotation has not ended: version {unfinished[0]} is pending",
                where=secret["Name"],
                remedy="Look at the log of its rotation function; Secrets Manager tries again by itself",
            )
        return Rotation(
            secret=secret["Name"],
            arn=database.password_secret,
            user=database.user,
            function=secret["RotationLambdaARN"].rpartition(":")[2],
            rotated=secret.get("LastRotatedDate"),
            clusters=tuple(each.view.id for each in clusters.living()),
        )

    def rotate(self, plan: Rotation, act: Act) -> str:
        """Starts the rotation, waits until the new password is current and returns its version id.

        Raises:
            StoreError: the act cannot be recorded, and is not done.
            EngineError: AWS refuses it, or the function does not finish in time.
        """
        clusters = clusters_of(self.platform)
        record_act(self.platform.store, clusters.control_uri, act)
        client = self._client(_database(clusters))
        with _told(plan.secret):
            version = str(client.rotate_secret(SecretId=plan.arn)["VersionId"])
            deadline_seconds = self.clock() + _PATIENCE_SECONDS
            while _CURRENT not in _stages(client.describe_secret(SecretId=plan.arn)).get(version, ()):
                if self.clock() > deadline_seconds:
                    raise EngineError(
                        f"the rotation has not ended after {_PATIENCE_SECONDS:.0f} s: version {version} is not current",
                        where=plan.secret,
                        remedy=f"Look at the log of {plan.function}; until it ends, the present password stays the secret's",
                        transient=False,
                    )
                self.sleep(_LOOK_SECONDS)
        return version

    def _client(self, database: MetastoreDatabaseConfig) -> Any:
        return self.platform.secrets(database.region)


def _database(clusters: Clusters) -> MetastoreDatabaseConfig:
    found = clusters.place.config.metastore
    if found is None:
        raise ConfigurationError(
            "clusters of this deployment have no Hive over a metastore's database: there is no password to rotate",
            where=f"deployment {clusters.place.deployment}",
            remedy="Name the database in engine.emr.metastore, or another deployment with `dataworks -d`",
        )
    return found


def _stages(secret: dict[str, Any]) -> dict[str, list[str]]:
    return dict(secret.get("VersionIdsToStages", {}))


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Turns an error of Secrets Manager into one of the platform's."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        raise EngineError(
            f"Secrets Manager refuses it ({code}): {message}",
            where=where,
            remedy="Give this role secretsmanager:DescribeSecret and RotateSecret on the secret, and lambda:InvokeFunction on"
            " its function; or correct engine.emr.metastore.password_secret",
            transient=code in _PERHAPS_LATER,
        ) from error
    except BotoCoreError as error:
        raise EngineError(f"Secrets Manager does not answer: {error}", where=where, remedy="Try again later") from error
