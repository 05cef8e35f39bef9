"""The typed documents that travel between the code location and a job: parameters in, result out.

The one package that both sides import. Documents are versioned JSON in the object store and never hold secrets. Times are
UTC, sizes are in bytes, export dates are ISO `YYYY-MM-DD`. URIs are `s3://bucket/key` (or `memory://bucket/key`).
"""

from spark.contract.collections import (
    DAY_FOLDER,
    AnyCollection,
    Collection,
    Column,
    ExportCollection,
    Layout,
    Misfit,
    OutputTable,
    PartnerCollection,
    PartnerFormat,
)
from spark.contract.document import CONTRACT_VERSION, Document, decode, encode
from spark.contract.results import (
    Finding,
    JobFailure,
    JobResult,
    PartitionResult,
    PartitionState,
    SchemaChange,
    TableResult,
    WrittenFile,
)
from spark.contract.services import CatalogSettings, KeyServiceSettings, Role, RoleChain, StoreSettings
from spark.contract.work import DECODER_VERSION, DataFile, JobParameters, PartitionWork, SourceObject

__all__ = [
    "CONTRACT_VERSION",
    "DAY_FOLDER",
    "DECODER_VERSION",
    "AnyCollection",
    "CatalogSettings",
    "Collection",
    "Column",
    "DataFile",
    "Document",
    "ExportCollection",
    "Finding",
    "JobFailure",
    "JobParameters",
    "JobResult",
    "KeyServiceSettings",
    "Layout",
    "Misfit",
    "OutputTable",
    "PartitionResult",
    "PartitionState",
    "PartitionWork",
    "PartnerCollection",
    "PartnerFormat",
    "Role",
    "RoleChain",
    "SchemaChange",
    "SourceObject",
    "StoreSettings",
    "TableResult",
    "WrittenFile",
    "decode",
    "encode",
]
