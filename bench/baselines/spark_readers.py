"""Partner files the way they were read: Spark's own CSV and multiline JSON readers, a pass for the schema, then a write.

JSON is decrypted in Python, whole, before it is read, and its rows are hashed by Spark's own functions; nothing is audited or
registered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.partner import PartnerFiles
from bench.place import Place
from dataworks_assets.stack.sample.wire import encrypt
from spark.contract import PartnerFormat
from spark.jobs.unlock import unlock

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass
class SparkReaders:
    """Brings partner files to Parquet."""

    place: Place
    session: SparkSession

    def run(self, files: PartnerFiles, output_uri: str) -> None:
        """Reads all files into Parquet files in a folder that is not there yet."""
        rows = self._csv(files) if files.collection.format is PartnerFormat.CSV else self._json(files)
        rows.write.option("compression", "zstd").parquet(output_uri.replace("s3://", "s3a://"))

    def _csv(self, files: PartnerFiles) -> DataFrame:
        reader = self.session.read.option("multiLine", True).option("recursiveFileLookup", True)
        rows = reader.option("header", True).option("inferSchema", True).option("escape", '"').csv(_s3a(files))
        return rows.toDF(*(name.lower().replace(" ", "_") for name in rows.columns))

    def _json(self, files: PartnerFiles) -> DataFrame:
        from pyspark.sql.functions import col, concat_ws, explode, sha2

        sources = [file.source for day in files.days.values() for file in day]
        found = unlock(self.place.store, self.place.key_service(), sources).keys
        keys = {uri.replace("s3://", "s3a://"): key for uri, key in found.items()}

        def decrypted(file: tuple[str, bytes]) -> str:
            path, body = file
            return encrypt(bytes(body), keys[path].key, keys[path].iv).decode()  # with a counter, both ways are the same

        texts = self.session.sparkContext.binaryFiles(f"{_s3a(files)}/*", minPartitions=len(sources)).map(decrypted)
        rows = self.session.read.option("multiLine", True).json(texts).select(explode("data").alias("row")).select("row.*")
        return rows.withColumn(
            "row_hash_id", sha2(concat_ws("||", *(col(name).cast("string") for name in sorted(rows.columns))), 256)
        )


def _s3a(files: PartnerFiles) -> str:
    return files.source_uri.replace("s3://", "s3a://")
