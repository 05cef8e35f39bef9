"""Finds configuration files: in the folder of `DATAWORKS_CONFIG` first, then among those that come with the package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dataworks_assets.config.problems import nearest
from spark.errors import ConfigurationError

PACKAGED = Path(__file__).resolve().parent
_HOLDS = ("collections", "deployments")


def folders(extra: Path | None) -> list[Path]:
    """Returns the folders that are searched, in order.

    Raises:
        ConfigurationError: the extra folder does not exist.
    """
    if extra is not None and not extra.is_dir():
        raise ConfigurationError("DATAWORKS_CONFIG names no folder", where=str(extra), remedy="Make it, or unset the variable")
    return [PACKAGED] if extra is None else [extra, PACKAGED]


def deployment_names(extra: Path | None) -> list[str]:
    """Returns the names of all deployments."""
    return sorted({path.stem for folder in folders(extra) for path in _yaml_files(folder / "deployments")})


def deployment_file(name: str, extra: Path | None) -> Path:
    """Returns a deployment's file.

    Raises:
        ConfigurationError: there is no deployment of this name, or nothing in the extra folder would be read.
    """
    searched = folders(extra)
    if extra is not None and any(extra.iterdir()) and not any((extra / name).is_dir() for name in _HOLDS):
        raise ConfigurationError(
            "the folder of DATAWORKS_CONFIG has neither collections/ nor deployments/ in it: none of its files would be read",
            where=str(extra),
            remedy="Put files of collections into the one, of deployments into the other",
        )
    for folder in searched:
        for path in _yaml_files(folder / "deployments"):
            if path.stem == name:
                return path
    names = deployment_names(extra)
    raise ConfigurationError(
        f"there is no deployment {name!r}", where="--deployment or DATAWORKS_DEPLOYMENT", remedy=nearest(name, names)
    )


def collection_file(name: str, extra: Path | None) -> Path | None:
    """Returns the file of a name such as `collections/transport.yaml`; None if there is none."""
    return next((folder / name for folder in folders(extra) if (folder / name).is_file()), None)


def extra_collection_files(extra: Path | None) -> list[Path]:
    """Returns the collection files of the extra folder, which belong to every deployment."""
    return [] if extra is None else list(_yaml_files(extra / "collections"))


def _yaml_files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.glob("*.y*ml") if path.suffix in {".yaml", ".yml"})
