r"""The texts of document ids, in the document's own form and in a form for comparison.

An id's text is its compact JSON with sorted keys, as in the document: `{"d_oid":"5d"}`. The manifest has the same id as it
was before the producer's sanitising: `{"$oid":"5d"}`. The comparison key of both is the text after the same sanitising (`$`
becomes `d_`, `_archived` becomes `_removed`, U+0000, `\r` and `\n` are removed), with scalars wrapped as `{"d_oid":"..."}`.
No reading of documents or manifests belongs here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from xxhash import xxh64_intdigest

from spark.errors import InputError

_WRAP = "d_oid"
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_CONTROLS = bytes(range(0x20))
_RENAMED = b"_archived"

_MOST_BRACKETS = 200
"""More opening brackets than any id has; whether Python can parse deeper nesting depends on its current recursion limit."""


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def id_text(raw: bytes) -> bytes:
    """Returns an id's compact JSON with sorted keys, in the document's own form.

    Args:
        raw: the JSON value of the document's id, UTF-8.

    Raises:
        InputError: it is not JSON, or nested too deep.
    """
    if _is_plain(raw):
        return raw
    return _compact(_parse(raw))


def comparison_key(raw: bytes) -> bytes:
    """Returns the text that is the same for a document's id and for its manifest's.

    Args:
        raw: the JSON value of an id, UTF-8, sanitised or not.

    Raises:
        InputError: it is not JSON, or nested too deep.
    """
    if _is_plain(raw) and b"$" not in raw and _RENAMED not in raw:
        return raw
    value = _sanitised(_parse(raw))
    if not isinstance(value, dict | list):
        value = {_WRAP: value if isinstance(value, str) else json.dumps(value)}
    return _compact(value)


def comparison_hashes(raws: Iterable[bytes]) -> npt.NDArray[np.uint64]:
    """Returns one 64-bit hash per id, equal for equal comparison keys; `spark.native.ids` does it in bulk for plain ones.

    Args:
        raws: JSON values of ids, UTF-8.

    Raises:
        InputError: one is not JSON, or nested too deep.
    """
    return hash_keys(map(comparison_key, raws))


def hash_keys(keys: Iterable[bytes]) -> npt.NDArray[np.uint64]:
    """Returns the XXH64 of each comparison key."""
    return np.fromiter(map(xxh64_intdigest, keys), dtype=np.uint64)


def id_fingerprint(text: bytes) -> str:
    """Returns the SHA-256 of an id's text in hex: what an error names it by, as ids are personal data."""
    return hashlib.sha256(text).hexdigest()


def _is_plain(raw: bytes) -> bool:
    """Whether it is an object of one key and a string, without blanks or escapes: its own compact JSON."""
    return (
        raw.startswith(b'{"')
        and raw.endswith(b'"}')
        and raw.count(b'"') == 4  # noqa: PLR2004 two of the key, two of the value
        and raw.find(b'":"') == raw.find(b'"', 2) > 0
        and b"\\" not in raw
        and len(raw.translate(None, _CONTROLS)) == len(raw)
    )


def _parse(raw: bytes) -> object:
    if raw.count(b"[") + raw.count(b"{") > _MOST_BRACKETS:
        raise InputError("an id is nested too deep")
    try:
        return _DECODER.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        kind = "nested too deep" if isinstance(error, RecursionError) else "not JSON"
        raise InputError(f"an id is {kind}") from None


def _sanitised(value: object) -> object:
    if isinstance(value, str):
        return _sanitised_text(value)
    if isinstance(value, dict):
        return {_sanitised_text(key): _sanitised(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_sanitised(inner) for inner in value]
    return value


def _sanitised_text(text: str) -> str:
    text = text.replace("$", "d_").replace("_archived", "_removed")
    return text.replace("\x00", "").replace("\r", "").replace("\n", "")


def _compact(value: object) -> bytes:
    """Compact JSON, keys sorted, UTF-8; a lone surrogate stays an escape."""
    return _ENCODER.encode(value).encode("utf-8", errors="backslashreplace")
