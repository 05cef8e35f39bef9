"""The jobs' Python environment as an archive of site-packages: for this machine, or for the nodes of an EMR release.

It holds `spark/requirements.txt` and all dependencies, in the versions of `requirements.lock`.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from dataworks_assets.engines.properties import PROJECT_FOLDER
from spark.errors import ConfigurationError

THIS_MACHINE = "this machine"
_ROOTS_PATH = PROJECT_FOLDER / "spark" / "requirements.txt"
_LOCK_PATH = PROJECT_FOLDER / "requirements.lock"
_LAYOUT = "1"
"""Incremented by hand when the same packages would give a different archive."""
_PLATFORMS = {"x86_64": "x86_64-manylinux_2_34", "aarch64": "aarch64-manylinux_2_34"}
"""Amazon Linux 2023, which EMR 7 runs on, has glibc 2.34."""
_LEFT_OUT = re.compile(r"^(bin/|\.lock$)|(^|/)(__pycache__|tests?|include)/|\.(pyx|pxi|pxd|a|pyc)$")
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class Environment:
    """Packages by name, each with its version, for one kind of node."""

    python: str
    packages: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Digest of the content: hex, 16 characters."""
        lines = [_LAYOUT, self.python, *(f"{name}=={version}" for name, version in sorted(self.packages.items()))]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def write(self, path: Path) -> None:
        """Writes the archive.

        Raises:
            ConfigurationError: a package is not available for these nodes.
        """
        if self.python == THIS_MACHINE:
            _write_archive(path, _installed_files(self.packages))
            return
        with tempfile.TemporaryDirectory() as folder:
            _download(self.packages, _PLATFORMS[self.python], Path(folder))
            files = ((str(found.relative_to(folder)), found) for found in sorted(Path(folder).rglob("*")) if found.is_file())
            _write_archive(path, files)


def job_environment(python: str) -> Environment:
    """Returns the environment of the jobs for a kind of node: `x86_64`, `aarch64` or `this machine`.

    Raises:
        ConfigurationError: a package is not installed here, or is not in the lock.
    """
    names = _closure([line for line in _ROOTS_PATH.read_text().splitlines() if line and not line.startswith("#")])
    if python == THIS_MACHINE:
        return Environment(python, {name: _distribution(name).version for name in names})
    pins = {name: version for name, (version, _) in _locked().items()}
    for name in names:
        if name not in pins:
            raise ConfigurationError(f"{name} is not locked", where=str(_LOCK_PATH), remedy="Run `make lock`")
    return Environment(python, {name: pins[name] for name in names})


def normalised(name: str) -> str:
    """Returns a package's name as indexes have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _closure(roots: list[str]) -> list[str]:
    """Returns the packages and everything they need, by what is installed here."""
    found: set[str] = set()
    waiting = [normalised(root) for root in roots]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for text in _distribution(name).requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(normalised(requirement.name))
    return sorted(found)


def _distribution(name: str) -> importlib.metadata.Distribution:
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError as error:
        raise ConfigurationError(f"the package {name} is not installed", remedy="Run `make setup`") from error


def _installed_files(packages: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    site_packages = Path(sysconfig.get_path("purelib"))
    for name in sorted(packages):
        for file in _distribution(name).files or ():
            path = Path(str(file.locate()))
            if path.is_relative_to(site_packages) and ".." not in file.parts and path.is_file():
                yield str(file), path


def _write_archive(path: Path, files: Iterator[tuple[str, Path]]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, source in files:
            if not _LEFT_OUT.search(name):
                archive.add(source, name, recursive=False)


def _locked() -> dict[str, tuple[str, str]]:
    """Returns version and whole lock entry, hashes included, by package."""
    entries: dict[str, tuple[str, str]] = {}
    name = ""
    for line in _LOCK_PATH.read_text().splitlines():
        matched = _PIN.match(line)
        if matched:
            name = normalised(matched[1])
            entries[name] = (matched[2], line)
        elif name and line.startswith(" ") and not line.lstrip().startswith("#"):
            version, entry = entries[name]
            entries[name] = (version, f"{entry}\n{line}")
    return entries


def _download(packages: Mapping[str, str], platform: str, folder: Path) -> None:
    locked = _locked()
    requirements = folder / ".requirements.txt"
    requirements.write_text("".join(f"{locked[name][1].rstrip(chr(92) + ' ')}\n" for name in packages))
    command = [
        *(str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--python-version", "3.11", "--python-platform", platform),
        *("--link-mode", "copy", "--target", str(folder), "-r", str(requirements)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigurationError(
            f"packages are not to be had for {platform}: {' '.join(done.stderr.split())[-600:]}",
            where=str(_ROOTS_PATH),
            remedy="Take a version with a wheel for that platform, or look at the way to the package index",
        )
    requirements.unlink()
