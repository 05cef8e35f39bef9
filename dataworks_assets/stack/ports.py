"""Free ports for the stack's services, kept from one start to the next where they are still free."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Mapping

from spark.errors import StackError

_LOWEST = 20_000
_HIGHEST = 32_000
"""Below the range from which Linux takes the ports of outgoing connections, so that none is lost while its service is down."""
_ATTEMPTS = 1000


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


def choose_ports(names: Iterable[str], *, kept: Mapping[str, int], taken: Iterable[int] = ()) -> dict[str, int]:
    """Returns a free port for each name: the kept one where it is free, else another.

    Args:
        names: what each port is for.
        kept: ports of an earlier start by name.
        taken: ports that are free now but promised to others.

    Raises:
        StackError: no free port is left.
    """
    used = set(taken)
    chosen: dict[str, int] = {}
    for name in names:
        port = kept.get(name)
        if port is None or port in used or not is_free(port):
            port = _find_free(used)
        used.add(port)
        chosen[name] = port
    return chosen


def _find_free(used: set[int]) -> int:
    for _ in range(_ATTEMPTS):
        port = random.randrange(_LOWEST, _HIGHEST)  # noqa: S311 - not a secret
        if port not in used and is_free(port):
            return port
    raise StackError(
        "no free port was found", where=f"ports {_LOWEST} to {_HIGHEST}", remedy="End programs that listen on them"
    )
