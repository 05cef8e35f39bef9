"""Filling in the addresses that a deployment leaves to the embedded stack."""

from __future__ import annotations

from collections.abc import Mapping

from dataworks_assets.config.deployment import Deployment
from dataworks_assets.config.model import Model
from dataworks_assets.config.services import EMBEDDED


class StackAddresses(Model):
    """Where the embedded stack's services listen, and the certificates made for its clients."""

    s3_endpoint: str
    aws_endpoint: str
    metastore_uri: str
    key_service_url: str
    key_service_ca_path: str
    key_service_certificate_path: str
    key_service_private_key_path: str


def is_embedded(deployment: Deployment) -> bool:
    """Whether the deployment leaves any address to the embedded stack."""
    addresses = (deployment.store.endpoint, deployment.key_service.url, deployment.catalog.uri, deployment.aws.endpoint)
    return EMBEDDED in addresses


def resolve(deployment: Deployment, stack: Mapping[str, str] | StackAddresses | None) -> Deployment:
    """Returns the deployment with the stack's addresses in the place of `embedded`.

    Args:
        deployment: as it was loaded.
        stack: the running stack's addresses, as `StackAddresses` names them (more keys are ignored); None when it is
            down: then the addresses stay open, and the first use of one raises StackError.
    """
    if stack is None or not is_embedded(deployment):
        return deployment
    if not isinstance(stack, StackAddresses):
        stack = StackAddresses(**{name: stack[name] for name in StackAddresses.model_fields})
    key_service = deployment.key_service
    if key_service.url == EMBEDDED:
        key_service = key_service.model_copy(
            update={
                "url": stack.key_service_url,
                "ca_path": stack.key_service_ca_path,
                "certificate_path": stack.key_service_certificate_path,
                "private_key_path": stack.key_service_private_key_path,
            }
        )
    store, aws, catalog = deployment.store, deployment.aws, deployment.catalog
    return deployment.model_copy(
        update={
            "store": store.model_copy(update={"endpoint": _filled(store.endpoint, stack.s3_endpoint)}),
            "aws": aws.model_copy(update={"endpoint": _filled(aws.endpoint, stack.aws_endpoint)}),
            "catalog": catalog.model_copy(update={"uri": _filled(catalog.uri, stack.metastore_uri)}),
            "key_service": key_service,
        }
    )


def _filled(address: str | None, stack_address: str) -> str | None:
    return stack_address if address == EMBEDDED else address
