"""Partner files the way they were read: Spark's own CSV and multiline JSON readers, a pass for the schema, then a write.

The JSON lies in clear for it; nothing is decrypted, hashed, audited or registered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.partner import PartnerFiles
from spark.contract import PartnerFormat

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass
class SparkReaders:
    """Brings partner files to Parquet."""

    session: SparkSession

    def run(self, files: PartnerFiles, output_uri: str) -> None:
        """Reads all files into Parquet files in a folder that is not there yet."""
        from pyspark.sql.functions import explode

        source = files.plain_uri.replace("s3://", "s3a://")
        reader = self.session.read.option("multiLine", True).option("recursiveFileLookup", True)
        if files.collection.format is PartnerFormat.CSV:
            rows = reader.option("header", True).option("inferSchema", True).option("escape", '"').csv(source)
            rows = rows.toDF(*(name.lower().replace(" ", "_") for name in rows.columns))
        else:
            rows = reader.json(source).select(explode("data").alias("document")).select("document.*")
        rows.write.option("compression", "zstd").parquet(output_uri.replace("s3://", "s3a://"))
