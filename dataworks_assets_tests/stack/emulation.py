"""AWS' APIs emulated in this process, which check nothing, for tests that need an address and no stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto.server import ThreadedMotoServer


@contextmanager
def emulated_aws() -> Iterator[str]:
    """Gives the address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def give_credentials(patch: pytest.MonkeyPatch) -> None:
    """This process has credentials of the emulation, in the place of those of the session's stack: for one test, therefore."""
    patch.setenv("AWS_ACCESS_KEY_ID", "dataworks")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
