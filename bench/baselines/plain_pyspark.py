"""What a PySpark programmer writes first: files decrypted whole in Python, then Spark's own JSON reader and Parquet writer.

The schema is given, Parquet is zstd. It keeps the declared fields alone; there is no look at ids, nor a table.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bench.place import Export, Place
from spark.jobs.unlock import unlock
from spark.sources.keys import FileKey

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
SCHEMA = """
    _id STRUCT<d_oid: STRING>,
    _lastModifiedDateTime STRUCT<d_date: TIMESTAMP>,
    createdDateTime STRUCT<d_date: TIMESTAMP>,
    statementId STRING,
    personId STRING,
    contractId STRING,
    assessmentPeriod STRUCT<startDate: STRUCT<d_date: TIMESTAMP>, endDate: STRUCT<d_date: TIMESTAMP>>,
    paymentAmount DECIMAL(18,2),
    currency STRING,
    note STRING,
    lines ARRAY<STRUCT<type: STRING, amount: DECIMAL(18,2), description: STRING>>,
    payments ARRAY<STRUCT<payee: STRING, sortCode: STRING, share: DOUBLE>>,
    final BOOLEAN
"""


def lines_of(body: bytes, key: FileKey) -> list[str]:
    """Returns an encrypted object's lines."""
    decryptor = Cipher(algorithms.AES(key.key), modes.CTR(key.iv)).decryptor()
    return zlib.decompress(decryptor.update(body), _GZIP_WINDOW).decode("utf-8").splitlines()


@dataclass
class PlainPySpark:
    """Brings exports to Parquet files."""

    place: Place
    session: SparkSession

    def run(self, export: Export, output_uri: str) -> None:
        """Reads an export into Parquet files in a folder that is not there yet."""
        sources = [file.source for file in export.files]
        keys = unlock(self.place.store, self.place.key_service(), sources).keys
        by_path = {uri.replace("s3://", "s3a://"): key for uri, key in keys.items()}
        data_uri = export.data_uri.replace("s3://", "s3a://")
        files = self.session.sparkContext.binaryFiles(data_uri, minPartitions=len(sources))

        def decoded(file: tuple[str, bytes]) -> Iterator[str]:
            path, body = file
            yield from lines_of(body, by_path[path])

        documents = self.session.read.schema(SCHEMA).json(files.flatMap(decoded))
        documents.write.option("compression", "zstd").parquet(output_uri.replace("s3://", "s3a://"))
