"""The archive from which Python on a cluster imports the jobs: the `spark` package with its compiled library."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

from dataworks_assets.engines.properties import PROJECT_FOLDER
from spark.errors import ConfigurationError
from spark.native.compiling import SOURCES
from spark.native.library import LIBRARY_PATH

_EPOCH = (1980, 1, 1, 0, 0, 0)


def job_sources() -> list[Path]:
    """Returns the modules of the `spark` package."""
    return sorted((PROJECT_FOLDER / "spark").rglob("*.py"))


def digest_of(sources: Sequence[Path], python: str) -> str:
    """Returns the digest of an archive of these source files, including their names in the project: hex, 16 characters.

    Args:
        sources: files of the project.
        python: the kind of node for which the library in it is compiled.
    """
    digest = hashlib.sha256(f"{python}\n".encode())
    for source in (*sources, *SOURCES):
        digest.update(f"{source.relative_to(PROJECT_FOLDER)}\n{source.stat().st_size}\n".encode() + source.read_bytes())
    return digest.hexdigest()[:16]


def write_job(path: Path, sources: Sequence[Path], library: Path = LIBRARY_PATH) -> None:
    """Writes source files and the library as a reproducible archive.

    Raises:
        ConfigurationError: the library was not compiled.
    """
    if not library.exists():
        raise ConfigurationError("the reader is not compiled", where=str(library), remedy="Run `make setup`")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in sources:
            archive.writestr(zipfile.ZipInfo(str(source.relative_to(PROJECT_FOLDER)), _EPOCH), source.read_bytes())
        name = str(LIBRARY_PATH.relative_to(PROJECT_FOLDER))
        archive.writestr(zipfile.ZipInfo(name, _EPOCH), library.read_bytes(), zipfile.ZIP_DEFLATED)
