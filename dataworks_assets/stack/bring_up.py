"""The embedded stack for whoever needs it: started where a deployment lives on it, its addresses filled in."""

from __future__ import annotations

import logging
import os

from dataworks_assets.config.addresses import embedded_emr, is_embedded
from dataworks_assets.config.deployment import Deployment
from dataworks_assets.config.settings import Settings
from dataworks_assets.stack.emr.service import NAME as EMR
from dataworks_assets.stack.lifecycle import up

_LOGGER = logging.getLogger(__name__)


def with_stack(settings: Settings) -> Settings:
    """Returns the settings with every address known, the stack started where they leave any to it.

    This process then has the stack's credentials in its environment, where the clients of S3 and AWS look for them.

    Raises:
        StackError: a service could not be started; says which and where its log is.
    """
    if not is_embedded(settings.deployment):
        return settings
    state = up(settings.environment.home, wanted=wanted_services(settings.deployment), say=_LOGGER.info)
    os.environ.update(state.environment())
    return settings.resolved(state)


def wanted_services(deployment: Deployment) -> tuple[str, ...]:
    """Returns the services on demand that a deployment asks for, by name."""
    return (EMR,) if embedded_emr(deployment) else ()
