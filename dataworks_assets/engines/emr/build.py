"""Builds and uploads what clusters are made with; artefacts whose content is already there are skipped."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

from dataworks_assets.engines.emr.artefacts import Artefacts, write_current
from dataworks_assets.engines.emr.environment import THIS_MACHINE, job_environment
from dataworks_assets.engines.job_archive import digest_of, job_sources, write_job
from dataworks_assets.engines.properties import PROJECT_FOLDER
from spark.native.compiling import compile_library
from spark.native.library import LIBRARY_PATH
from spark.store import ObjectStore

_SCRIPTS_FOLDER = PROJECT_FOLDER / "spark" / "bootstrap"


def deploy(
    store: ObjectStore,
    folder_uri: str,
    *,
    python: str,
    more: Sequence[Path] = (),
    files: Mapping[str, Path] = MappingProxyType({}),
    say: Callable[[str], None] = lambda _: None,
) -> Artefacts:
    """Uploads the artefacts that are missing, and makes them those that new clusters use.

    Args:
        store: the store to upload to.
        folder_uri: the prefix of artefacts.
        python: what the environment is built for: `x86_64`, `aarch64`, `this machine`.
        more: further source files of the project, such as additional jobs.
        files: further files for the nodes, by name.
        say: called with each line of progress.

    Raises:
        ConfigurationError: a package is not available for these nodes.
        StoreError: an upload failed.
    """
    environment = job_environment(python)
    sources = [*job_sources(), *more]
    scripts = {path.stem: path.read_bytes() for path in sorted(_SCRIPTS_FOLDER.glob("*.sh"))}
    digests = {name: hashlib.sha256(script).hexdigest()[:16] for name, script in scripts.items()}
    file_digests = {name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for name, path in files.items()}
    job_digest = digest_of(sources, python)
    whole = " ".join([environment.digest, job_digest, *digests.values(), *file_digests.values()])
    made = Artefacts(
        version=hashlib.sha256(whole.encode()).hexdigest()[:16],
        environment_uri=f"{folder_uri}/environment/{environment.digest}.tar",
        job_uri=f"{folder_uri}/job/{job_digest}.zip",
        scripts={name: f"{folder_uri}/bootstrap/{name}-{digest}.sh" for name, digest in digests.items()},
        python=python,
        files={name: f"{folder_uri}/files/{name}-{digest}" for name, digest in file_digests.items()},
    )
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _upload(store, made.environment_uri, work / "environment.tar", environment.write, say)
        _upload(store, made.job_uri, work / "job.zip", partial(_write_job, sources=sources, python=python), say)
        for name, script in scripts.items():
            _upload(store, made.scripts[name], work / f"{name}.sh", partial(_write, body=script), say)
        for name, source in files.items():
            _upload(store, made.files[name], work / name, partial(shutil.copyfile, source), say)
    write_current(store, folder_uri, made)
    say(f"New clusters are made with version {made.version}")
    return made


def _write_job(path: Path, *, sources: Sequence[Path], python: str) -> None:
    library = LIBRARY_PATH
    if python != THIS_MACHINE:
        library = path.with_name(LIBRARY_PATH.name)
        compile_library(library, machine=python)
    write_job(path, sources, library)


def _write(path: Path, *, body: bytes) -> None:
    path.write_bytes(body)


def _upload(store: ObjectStore, uri: str, path: Path, write: Callable[[Path], object], say: Callable[[str], None]) -> None:
    if store.exists(uri):
        say(f"{uri} is there already")
        return
    write(path)
    size_bytes = path.stat().st_size
    with store.writer(uri) as target, path.open("rb") as source:
        while chunk := source.read(8 * 1024 * 1024):
            target.write(chunk)
    size = f"{size_bytes / 1e6:,.1f} MB" if size_bytes >= 1e5 else f"{size_bytes / 1e3:.1f} kB"  # noqa: PLR2004
    say(f"{uri}: {size} uploaded")
