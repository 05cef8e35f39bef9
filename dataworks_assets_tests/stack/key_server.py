"""The embedded key service in a thread of the tests' own process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dataworks_assets.stack.key_service import KeyServer


@contextmanager
def serve(directory: Path) -> Iterator[KeyServer]:
    """Runs the service, with its certificates and master keys in a folder."""
    server = KeyServer(directory)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
