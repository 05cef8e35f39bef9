"""Turns an encrypted object's bytes into chunks of whole JSON lines: AES-256-CTR, gzip, a cut at the last line feed.

Nothing larger than a chunk (or a longer single line) is held in memory. AES-CTR has no integrity check: the gzip header,
checksum and end show that an object was decrypted completely. The content of lines is not examined here.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from isal import igzip_lib

from spark.errors import InputError

if TYPE_CHECKING:
    from typing_extensions import Buffer

CHUNK_BYTES = 2 << 20
"""Decoded bytes in a chunk: small enough for the objects made from it to stay in the CPU cache."""

_KEY_BYTES = 32
_IV_BYTES = 16
_READ_BYTES = 256 << 10
_INFLATE_BYTES = 1 << 20
_LINE_LIMIT_BYTES = 1 << 30
_GZIP_MAGIC = b"\x1f\x8b"
_ISAL_ERROR: Any = igzip_lib.IsalError
_ASK_AGAIN = "Have the producer write this object again"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of a file: `text` ends with a line feed, unless it is the file's last and that is missing.

    `offset` is where the text begins in the decoded file, in bytes.
    """

    text: bytes
    offset: int


def json_chunks(body: Iterable[Buffer], *, key: bytes, iv: bytes, uri: str, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yields an object's decoded text in chunks of about `chunk_bytes`; a byte-order mark at its start is left out.

    Args:
        body: the encrypted bytes in any division.
        key: the plaintext data key, 32 bytes.
        iv: the initial counter block, 16 bytes.
        uri: the object's address, for errors.
        chunk_bytes: decoded bytes to collect before a chunk is cut.

    Raises:
        InputError: it cannot be decrypted or inflated, or is empty; names the byte, the likely cause and the remedy.
    """
    pending: list[bytes] = []
    pending_bytes = offset = 0
    for piece in without_mark(_Inflater(uri).inflate(decrypt(body, key=key, iv=iv, uri=uri))):
        pending_bytes += len(piece)
        end = piece.rfind(b"\n") + 1 if pending_bytes >= chunk_bytes else 0
        if not end:
            pending.append(piece)
            _check_line(pending_bytes, offset=offset, uri=uri)
            continue
        text = b"".join((*pending, memoryview(piece)[:end]))
        yield Chunk(text, offset)
        offset += len(text)
        pending, pending_bytes = [piece[end:]], len(piece) - end
    text = b"".join(pending)
    if text:
        yield Chunk(text, offset)
    elif not offset:
        raise InputError("the object holds no line: it inflates to nothing", where=uri, remedy=_ASK_AGAIN)


def _check_line(pending_bytes: int, *, offset: int, uri: str) -> None:
    if pending_bytes > _LINE_LIMIT_BYTES:
        what = f"a line is longer than {_LINE_LIMIT_BYTES} bytes"
        raise InputError(what, where=f"{uri}, decoded byte {offset}", remedy=_ASK_AGAIN)


def decrypt(body: Iterable[Buffer], *, key: bytes, iv: bytes, uri: str) -> Iterator[bytes]:
    """Yields an object's decrypted bytes in pieces; a wrong key is not noticed here.

    Raises:
        InputError: key or iv have another length than AES-256-CTR takes.
    """
    if len(key) != _KEY_BYTES or len(iv) != _IV_BYTES:
        what = f"AES-256-CTR takes a key of 32 and an iv of 16 bytes, not of {len(key)} and {len(iv)}"
        raise InputError(what, where=uri, remedy="Correct the object's metadata (`iv`, `ciphertext`)")
    decryptor = Cipher(algorithms.AES(key), modes.CTR(iv)).decryptor()
    for buffer in body:
        view = memoryview(buffer)
        for start in range(0, len(view), _READ_BYTES):
            yield decryptor.update(view[start : start + _READ_BYTES])


def without_mark(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Leaves out a byte-order mark at the start, however the text is divided."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= len(codecs.BOM_UTF8):
            break
    yield head.removeprefix(codecs.BOM_UTF8)
    yield from pieces


@dataclass
class _Inflater:
    """Inflates one object, member by member, and says what is wrong with it, and where.

    `consumed` counts the encrypted object's bytes up to and with the piece in hand.
    """

    uri: str
    consumed: int = 0
    member: int = 0
    _piece_start: int = 0
    _gzip: igzip_lib.IgzipDecompressor | None = field(default=None, repr=False)

    def inflate(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._piece_start = self.consumed
            self.consumed += len(piece)
            yield from self._inflate_piece(piece)
        if not self.consumed:
            self._fail("the object is empty (0 bytes)", _ASK_AGAIN)
        if self._gzip is not None:
            cause = "the object was truncated, or tampered with"
            self._fail(f"the object ends before its gzip stream does: {cause}", f"Compare its size; {_lower(_ASK_AGAIN)}")

    def _inflate_piece(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            if self._gzip is None:
                self._begin_member(piece)
            text, piece = self._step(piece)
            while text:
                yield text
                if self._gzip is None or self._gzip.needs_input:
                    break
                text, piece = self._step(b"")

    def _begin_member(self, piece: bytes) -> None:
        if self.member and not piece.startswith(_GZIP_MAGIC[: len(piece)]):
            self._fail_after_end(len(piece))
        self.member += 1
        self._gzip = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)

    def _step(self, piece: bytes) -> tuple[bytes, bytes]:
        """Returns (inflated bytes, input left over)."""
        if self._gzip is None:
            return b"", piece
        try:
            text = self._gzip.decompress(piece, _INFLATE_BYTES)
        except _ISAL_ERROR as error:
            self._fail_on(error)
        if not self._gzip.eof:
            return text, b""
        rest = self._gzip.unused_data
        self._gzip = None
        return text, rest

    def _fail_on(self, error: Exception) -> NoReturn:
        code = error.args[0].split()[1] if error.args else ""
        at_header = code in {"-4", "-5"}
        if at_header and self.member > 1:
            self._fail_after_end(0)
        if at_header:
            self.consumed = 0
            self._fail(
                "no gzip header after decryption: most likely the wrong data key or iv",
                "Compare the object's metadata (`iv`, `ciphertext`, `datakeyencryptionkeyid`) with the producer's",
            )
        cause = "most likely the object was tampered with or damaged"
        if code == "-6":
            self._fail(f"its checksum is wrong: {cause}", _ASK_AGAIN)
        where = f"{self.uri}, between byte {self._piece_start} and byte {self.consumed}"
        raise InputError(f"the compressed data is not valid: {cause}", where=where, remedy=_ASK_AGAIN)

    def _fail_after_end(self, left_bytes: int) -> NoReturn:
        self.consumed -= left_bytes
        self._fail("bytes follow the end of the gzip stream: something was appended to the object", _ASK_AGAIN)

    def _fail(self, what: str, remedy: str) -> NoReturn:
        raise InputError(what, where=f"{self.uri}, byte {self.consumed}", remedy=remedy)


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]
