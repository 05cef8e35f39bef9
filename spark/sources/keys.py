"""Data keys, and the key service that decrypts them.

The service is called once per distinct (ciphertext, key id) pair. A plaintext key is a return value and nothing else: it is
in no log, no exception (nor any chained cause) and no repr. What a data file's metadata says about its key is in
`encryption`; decrypting belongs to the decoder.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import tenacity

from spark.contract import KeyServiceSettings
from spark.errors import ConfigurationError, KeyServiceError

if TYPE_CHECKING:
    import requests

KEY_BYTES = 32
IV_BYTES = 16

_IN_PARALLEL = 8
_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 10.0
_WHEN_WELL = "Run again when the service is well"


class KeyRefusedError(KeyServiceError):
    """The service works but cannot decrypt this data key: the file's metadata is at fault, not the service."""

    transient_by_default = False


@dataclass(frozen=True, slots=True, repr=False)
class FileKey:
    """What decrypts one data file: its 32-byte key and 16-byte initial counter block."""

    key: bytes
    iv: bytes

    def __repr__(self) -> str:
        return "FileKey(...)"


@dataclass(frozen=True, slots=True, repr=False)
class DataKey:
    """A new data key: the plaintext, and the encrypted form that a file carries."""

    plaintext: bytes
    ciphertext: str
    key_id: str

    def __repr__(self) -> str:
        return f"DataKey(key_id={self.key_id!r})"


class KeyService:
    """The data key service over HTTPS with a client certificate. Thread-safe.

    Args:
        settings: its address, the certificate's files, the time-out of a call and the number of tries.
        correlation_id: sent with every call, for the service's own log.

    Attributes:
        calls: how many requests were sent, including retries.
    """

    def __init__(self, settings: KeyServiceSettings, *, correlation_id: str) -> None:
        self.calls = 0
        self._settings = settings
        self._correlation_id = correlation_id
        self._known: dict[tuple[str, str], bytes | KeyServiceError] = {}
        self._local = threading.local()
        self._lock = threading.Lock()

    def resolve(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes | KeyServiceError]:
        """Returns for each distinct (ciphertext, key id) the 32-byte key, or why there is none.

        A refusal is final and returned as a value, so that one bad key costs only its own files. If the service stays
        unavailable after all tries, every unresolved pair gets that (transient) error, without a call for each. Resolved
        and refused pairs are not requested again.

        Raises:
            ConfigurationError: a certificate file does not exist.
        """
        wanted = dict.fromkeys(pairs)
        missing = [pair for pair in wanted if pair not in self._known]
        outage: KeyServiceError | None = None
        if missing:
            # The first one alone, so that a service that is down is tried once and not once per pair.
            outage = self._learn(missing[0])
        if len(missing) > 1 and outage is None:
            with ThreadPoolExecutor(_IN_PARALLEL) as pool:
                outages = list(pool.map(self._learn, missing[1:]))
            outage = next(filter(None, outages), None)
        unavailable = outage or KeyServiceError("not asked", where=self._settings.url)
        return {pair: self._known.get(pair, unavailable) for pair in wanted}

    def new_key(self) -> DataKey:
        """Returns a new data key, as a producer asks for one.

        Raises:
            KeyServiceError: the service refuses or is unavailable.
            ConfigurationError: a certificate's file is not there.
        """
        response = self._call("GET", "datakey", params={})
        ciphertext, key_id = _field(response, "ciphertextDataKey"), _field(response, "dataKeyEncryptionKeyId")
        return DataKey(self._plaintext(response), ciphertext, key_id)

    def _learn(self, pair: tuple[str, str]) -> KeyServiceError | None:
        """Resolves one pair for good, or returns why the service could not be reached."""
        ciphertext, key_id = pair
        answer: bytes | KeyServiceError
        try:
            response = self._call("POST", "datakey/actions/decrypt", params={"keyId": key_id}, body=ciphertext)
            answer = self._plaintext(response)
        except KeyServiceError as error:
            if error.transient:
                return error
            answer = error
        with self._lock:
            self._known[pair] = answer
        return None

    def _call(self, method: str, path: str, *, params: dict[str, str], body: str = "") -> requests.Response:
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(max(self._settings.attempts, 1)),
            wait=tenacity.wait_exponential_jitter(initial=_FIRST_WAIT_SECONDS, max=_LONGEST_WAIT_SECONDS, jitter=0.1),
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, KeyServiceError) and error.transient),
            reraise=True,
        )
        return retrying(self._call_once, method, path, params, body)

    def _call_once(self, method: str, path: str, params: dict[str, str], body: str) -> requests.Response:
        import requests

        with self._lock:
            self.calls += 1
        try:
            response = self._session().request(
                method,
                f"{self._settings.url.rstrip('/')}/{path}",
                params=params | {"correlationId": self._correlation_id},
                data=body or None,
                headers={"Content-Type": "text/plain"} if body else None,
                timeout=self._settings.timeout_seconds,
            )
        except requests.RequestException as error:
            raise self._unreachable(error) from error
        self._refuse_status(response.status_code)
        return response

    def _session(self) -> requests.Session:
        import requests

        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            session.verify = self._file(self._settings.ca_path, "ca_path") or True
            certificate = self._file(self._settings.certificate_path, "certificate_path")
            private_key = self._file(self._settings.private_key_path, "private_key_path")
            session.cert = (certificate, private_key) if certificate and private_key else certificate
            self._local.session = session
        return session

    def _file(self, path: str | None, name: str) -> str | None:
        if path is not None and not Path(path).is_file():
            raise ConfigurationError(
                f"the key service's {name} is not a file", where=path, remedy="Correct the deployment's key service settings"
            )
        return path

    def _unreachable(self, error: Exception) -> KeyServiceError:
        import requests

        if isinstance(error, requests.ReadTimeout):
            what = f"the key service did not answer within {self._settings.timeout_seconds:g} s"
            return KeyServiceError(what, where=self._settings.url, remedy=_WHEN_WELL, transient=True)
        certificate = "CERTIFICATE_VERIFY_FAILED" in str(error)
        remedy = "Look whether the service is up and accepts this client certificate, then run again"
        if certificate:
            remedy = "Correct the deployment's ca_path: it must hold the authority of the service's certificate"
        what = f"the key service cannot be reached: {type(error).__name__}"
        return KeyServiceError(what, where=self._settings.url, remedy=remedy, transient=not certificate)

    def _refuse_status(self, status: int) -> None:
        if status in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return
        if status == HTTPStatus.BAD_REQUEST:
            raise KeyRefusedError(
                "the key service cannot decrypt this data key (400)",
                where=self._settings.url,
                remedy="Look whether the file's ciphertext and key id metadata are the producer's and the key still exists",
            )
        unavailable = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        raise KeyServiceError(
            f"the key service answered {status}",
            where=self._settings.url,
            remedy=_WHEN_WELL if unavailable else "Look at this client's rights and the address",
            transient=unavailable,
        )

    def _plaintext(self, response: requests.Response) -> bytes:
        text = _field(response, "plaintextDataKey")
        try:
            key = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise KeyServiceError(
                f"the key service returned a data key that is not {KEY_BYTES} bytes long",
                where=self._settings.url,
                remedy="Look at the key service: an AES-256 key is expected",
                transient=False,
            )
        return key


def _field(response: requests.Response, name: str) -> str:
    """Returns one field of a JSON response. It holds a key, so errors contain nothing of it, nor a cause that quotes it."""
    try:
        value = response.json()[name]
    except (ValueError, KeyError, TypeError):
        value = None
    if not isinstance(value, str):
        raise KeyServiceError(
            f"the key service's answer has no {name}",
            where=response.url.partition("?")[0],
            remedy="Look whether the address is the key service's",
            transient=False,
        )
    return value
