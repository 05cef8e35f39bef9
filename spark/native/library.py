"""Finding and loading the compiled library, in a folder or inside the job's archive."""

from __future__ import annotations

import ctypes
import os
import pkgutil
from functools import cache
from pathlib import Path

from spark.errors import ConfigurationError

LIBRARY_PATH = Path(__file__).with_name("compiled.so")
"""Where the set-up puts the library."""


@cache
def library() -> ctypes.CDLL:
    """Returns the library.

    Raises:
        ConfigurationError: it was not built, or not for this machine.
    """
    try:
        loaded = _load()
    except OSError as error:
        raise ConfigurationError(
            f"the compiled reader cannot be loaded: {error}",
            where=str(LIBRARY_PATH),
            remedy="Run `make setup`; for a cluster, `dataworks deploy artefacts` with the nodes' own kind of machine",
        ) from error
    loaded.new_plan.restype = ctypes.c_void_p
    loaded.new_plan.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32]
    loaded.free_plan.restype = None
    loaded.free_plan.argtypes = [ctypes.c_void_p]
    loaded.read_documents.restype = ctypes.c_int64
    loaded.read_documents.argtypes = [
        *(ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64, ctypes.c_int64),
        *(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p),
    ]
    loaded.find_lines.restype = ctypes.c_int64
    loaded.find_lines.argtypes = [ctypes.c_char_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p]
    loaded.hash_ids.restype = ctypes.c_bool
    loaded.hash_ids.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]
    loaded.hash_records.restype = ctypes.c_int64
    loaded.hash_records.argtypes = [ctypes.c_char_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
    return loaded


def _load() -> ctypes.CDLL:
    if LIBRARY_PATH.exists():
        return ctypes.CDLL(str(LIBRARY_PATH))
    body = pkgutil.get_data(__package__, LIBRARY_PATH.name)  # the system loads no library from an archive, but from memory
    descriptor = os.memfd_create(LIBRARY_PATH.name)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body or b"")
        file.flush()
        return ctypes.CDLL(f"/proc/self/fd/{descriptor}")
