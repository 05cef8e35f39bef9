"""Access to the key service from a command: with this machine's certificates, or with those of the nodes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dataworks_assets.config.secrets import secrets_manager
from dataworks_assets.systems.platform import Platform
from spark.contract import KeyServiceSettings
from spark.errors import ConfigurationError


class _Secret(msgspec.Struct):
    ca: str
    certificate: str
    private_key: str


@contextmanager
def key_service_here(platform: Platform) -> Iterator[KeyServiceSettings]:
    """Yields the settings of the key service while the block runs.

    If a deployment's certificates exist only on its clusters' nodes, they are taken from the same secret and written to
    files that only this process's user can read, and that are deleted afterwards.

    Raises:
        ConfigurationError: the secret cannot be read or has another shape.
    """
    settings, deployment = platform.key_service_settings, platform.running.deployment
    emr = deployment.engine.emr
    paths = (settings.ca_path, settings.certificate_path, settings.private_key_path)
    if emr is None or emr.key_service_secret is None or all(path is None or Path(path).is_file() for path in paths):
        yield settings
        return
    secret = _secret(emr.key_service_secret, secrets_manager(lambda: deployment.aws)(emr.key_service_secret))
    with tempfile.TemporaryDirectory(prefix="dataworks-") as folder:
        places = {name: Path(folder) / f"{name}.pem" for name in _Secret.__struct_fields__}
        for name, place in places.items():
            place.write_text(getattr(secret, name), encoding="utf-8")
        yield msgspec.structs.replace(settings, **{f"{name}_path": str(place) for name, place in places.items()})


def _secret(name: str, text: str) -> _Secret:
    try:
        return msgspec.json.decode(text, type=_Secret)
    except msgspec.DecodeError:
        raise ConfigurationError(
            "the secret has not the expected shape",
            where=f"secret {name}",
            remedy="Write JSON with the PEM texts `ca`, `certificate` and `private_key`",
        ) from None
