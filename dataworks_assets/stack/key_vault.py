"""Data keys under master keys, as the hardware module behind the key service creates and decrypts them.

A ciphertext is base64 of a nonce and the AES-256-GCM encryption of the data key under one master key. No HTTP here.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dataworks_assets.stack.service import write_private

MASTER_KEY_IDS = ("cloudhsm:7,14", "cloudhsm:1,2")
"""Ids of the master keys; new data keys are encrypted under the first."""

DATA_KEY_BYTES = 32
_NONCE_BYTES = 12
_FILE = "master-keys.json"


class RefusedError(Exception):
    """A ciphertext that this vault cannot decrypt, or a key id that it does not know. Its text holds neither."""


@dataclass(frozen=True)
class KeyVault:
    """Master keys by id; their values are never shown."""

    keys: dict[str, bytes] = field(repr=False)

    @classmethod
    def open(cls, directory: Path) -> KeyVault:
        """Returns the vault kept in a folder; creates it with fresh master keys if there is none."""
        path = directory / _FILE
        if not path.is_file():
            fresh = {key_id: base64.b64encode(AESGCM.generate_key(256)).decode() for key_id in MASTER_KEY_IDS}
            write_private(path, json.dumps(fresh).encode())
        stored: dict[str, str] = json.loads(path.read_bytes())
        return cls({key_id: base64.b64decode(text) for key_id, text in stored.items()})

    def make_data_key(self) -> tuple[str, bytes, str]:
        """Returns (master key id, 32 plaintext bytes, base64 ciphertext) of a new data key."""
        key_id = next(iter(self.keys))
        plaintext, nonce = secrets.token_bytes(DATA_KEY_BYTES), secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(self.keys[key_id]).encrypt(nonce, plaintext, key_id.encode())
        return key_id, plaintext, base64.b64encode(sealed).decode()

    def decrypt(self, ciphertext: str, *, key_id: str) -> bytes:
        """Returns the data key's 32 bytes.

        Raises:
            RefusedError: the master key is unknown, or did not encrypt this.
        """
        if key_id not in self.keys:
            raise RefusedError("no such master key")
        try:
            sealed = base64.b64decode(ciphertext, validate=True)
            return AESGCM(self.keys[key_id]).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], key_id.encode())
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise RefusedError("not a data key under this master key") from error
