"""Free ports for the stack's services, reused at the next start if they are still free."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Collection, Iterable, Mapping

from spark.errors import StackError

_LOWEST = 11_000
_HIGHEST = 22_000
"""Even with an offset of 10,000 below the range from which Linux takes ports for outgoing connections."""
_ATTEMPTS = 1000
_RELEASE_SECONDS = 2.0


def is_free(port: int) -> bool:
    """Whether a service could listen on the port now, on the loopback address as well as on all."""
    for address in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - the metastore has no option to listen on one address
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def choose_ports(
    names: Iterable[str], *, kept: Mapping[str, int], taken: Collection[int] = (), offsets: Collection[int] = (0,)
) -> dict[str, int]:
    """Returns a free port for each name: the kept one if it is free, else another.

    Args:
        names: what each port is for.
        kept: ports of an earlier start by name.
        taken: ports that are free now but promised to others.
        offsets: offsets from each port at which the service uses further ones; 0 is the port itself.

    Raises:
        StackError: no free port is left.
    """
    used = set(taken)
    chosen: dict[str, int] = {}
    for name in names:
        port = kept.get(name)
        if port is None or not _soon_free(expand({port}, offsets) - used, wanted=len(offsets)):
            port = _find_free(used, offsets)
        used |= expand({port}, offsets)
        chosen[name] = port
    return chosen


def expand(ports: Iterable[int], offsets: Collection[int]) -> set[int]:
    """Returns the ports and those at the offsets from them."""
    return {port + offset for port in ports for offset in offsets}


def _soon_free(ports: Collection[int], *, wanted: int) -> bool:
    """Whether all are free now, or shortly, once the operating system has cleaned up a killed process."""
    if len(ports) != wanted:
        return False
    deadline = time.monotonic() + _RELEASE_SECONDS
    while not all(is_free(port) for port in ports):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _find_free(used: Collection[int], offsets: Collection[int]) -> int:
    for _ in range(_ATTEMPTS):
        port = random.randrange(_LOWEST, _HIGHEST)  # noqa: S311 - not a secret
        if all(candidate not in used and is_free(candidate) for candidate in expand({port}, offsets)):
            return port
    raise StackError(
        "no free port was found", where=f"ports {_LOWEST} to {_HIGHEST}", remedy="End programs that listen on them"
    )
