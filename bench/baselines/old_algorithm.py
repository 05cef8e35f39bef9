"""The algorithm of the pipeline that this project replaces, as it was, with gzip where it had LZO.

A thread pool over collections; in each an RDD a file, its whole object in memory, decrypted with pycryptodome, inflated with
zlib, decoded to text; a union of all those, written as compressed text; then the table is dropped and created over it. No
JSON is looked at. For each file the driver asks for the metadata and for the object's head.
"""

from __future__ import annotations

import base64
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from Crypto.Cipher import AES
from Crypto.Util import Counter

from bench.place import Export, Place
from spark.sources.keys import KeyService
from spark.store import split_uri

if TYPE_CHECKING:
    from pyspark import RDD
    from pyspark.sql import SparkSession

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_CODEC = "org.apache.hadoop.io.compress.GzipCodec"
_THREADS = 2


def decrypt(body: bytes, *, key: bytes, iv: str) -> bytes:
    """Returns an object's decrypted bytes."""
    counter = Counter.new(AES.block_size * 8, initial_value=int(base64.b64decode(iv).hex(), 16))
    return AES.new(key, AES.MODE_CTR, counter=counter).decrypt(body)


def inflate(body: bytes) -> bytes:
    """Returns what a gzip stream holds."""
    return zlib.decompress(body, _GZIP_WINDOW)


@dataclass
class OldAlgorithm:
    """Brings exports to text tables."""

    place: Place
    session: SparkSession

    def run(self, export: Export, output_uri: str) -> None:
        """Reads an export into a text table over a folder that is not there yet."""
        with ThreadPoolExecutor(_THREADS) as pool:
            pool.submit(self._collection, export, output_uri).result()

    def _collection(self, export: Export, output_uri: str) -> None:
        keys = self.place.key_service()
        rdds = [self._file(file.source.uri, keys) for file in export.files]
        location = output_uri.replace("s3://", "s3a://")
        union = self.session.sparkContext.union(rdds).map(lambda named: named[1])
        union.saveAsTextFile(location, compressionCodecClass=_CODEC)
        self.session.sql("CREATE DATABASE IF NOT EXISTS bench_old")
        self.session.sql("DROP TABLE IF EXISTS bench_old.statement")
        self.session.sql(f"CREATE EXTERNAL TABLE bench_old.statement (val STRING) STORED AS TEXTFILE LOCATION '{location}'")

    def _file(self, uri: str, keys: KeyService) -> RDD[tuple[str, str]]:
        import boto3

        bucket, key = split_uri(uri)
        client = boto3.client("s3", endpoint_url=self.place.state.s3_endpoint)
        metadata = client.get_object(Bucket=bucket, Key=key)["Metadata"]
        client.head_object(Bucket=bucket, Key=key)
        pair = (metadata["ciphertext"], metadata["datakeyencryptionkeyid"])
        plaintext, iv = keys.resolve([pair])[pair], metadata["iv"]
        if not isinstance(plaintext, bytes):
            raise plaintext
        encrypted = self.session.sparkContext.binaryFiles(uri.replace("s3://", "s3a://"))
        decrypted = encrypted.mapValues(lambda body: decrypt(body, key=plaintext, iv=iv))
        return decrypted.mapValues(inflate).mapValues(lambda text: text.decode("utf-8"))
