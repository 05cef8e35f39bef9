"""The key service's part in tests that need no service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dataworks_assets.stack.sample.wire import FIXED_KEY
from spark.errors import KeyServiceError
from spark.sources.keys import KeyRefusedError


class Keys:
    """A key service in memory; what it does not know it refuses, as the real one does with 400."""

    def __init__(self, known: Mapping[tuple[str, str], bytes | KeyServiceError] | None = None) -> None:
        self.known = dict(known or {(FIXED_KEY.ciphertext, FIXED_KEY.key_id): FIXED_KEY.plaintext})
        self.calls = 0

    def resolve(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes | KeyServiceError]:
        wanted = dict.fromkeys(pairs)
        self.calls += len(wanted)
        refused = KeyRefusedError("the key service cannot decrypt this data key (400)", where="memory")
        return {pair: self.known.get(pair, refused) for pair in wanted}
