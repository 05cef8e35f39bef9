"""Brings up the embedded stack if a deployment uses it, and fills in its addresses."""

from __future__ import annotations

import logging
import os
from dataclasses import replace

from dataworks_assets.config.addresses import embedded_emr, is_embedded, resolve
from dataworks_assets.config.deployment import Deployment
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.services import EMBEDDED
from dataworks_assets.config.settings import Settings
from dataworks_assets.stack.emr.service import NAME as EMR
from dataworks_assets.stack.lifecycle import LOST, up
from dataworks_assets.stack.prometheus import PACKAGES, installed

_LOGGER = logging.getLogger(__name__)


def opened(deployment: Deployment, environment: Environment) -> Deployment:
    """Returns the deployment with every address known; starts the stack if any address is left to it.

    This process's environment then holds the stack's credentials, for the clients of S3 and AWS.

    Raises:
        StackError: a service could not be started; says which and where its log is.
    """
    if not is_embedded(deployment):
        return deployment
    state = up(environment.home, wanted=wanted_services(deployment), say=_log)
    os.environ.update(state.environment())
    return resolve(deployment, state)


def _log(line: str) -> None:
    """Logs a line from the stack; a loss as a warning, so that users of commands see it too."""
    _LOGGER.log(logging.WARNING if line.startswith(LOST) else logging.INFO, "%s", line)


def with_stack(settings: Settings) -> Settings:
    """Returns the settings with the `opened` deployment; raises like `opened`."""
    return replace(settings, deployment=opened(settings.deployment, settings.environment))


def wanted_services(deployment: Deployment) -> tuple[str, ...]:
    """Returns the services on demand that a deployment asks for and this machine has, by name."""
    emr = (EMR,) if embedded_emr(deployment) else ()
    return (*emr, *(installed() if deployment.ledger.metrics.pushgateway == EMBEDDED else ()))


def left_out(deployment: Deployment) -> tuple[str, ...]:
    """Returns one line for each service that a deployment asks for and this machine lacks, saying how to get it."""
    if deployment.ledger.metrics.pushgateway != EMBEDDED:
        return ()
    there = installed()
    return tuple(
        f"Left out: {what}, for {package} is not installed (apt-get install {package})"
        for name, (package, what) in PACKAGES.items()
        if name not in there
    )
