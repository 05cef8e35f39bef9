"""How much is measured: the full sizes that figures are quoted of, and small ones for developing the bench itself."""

from __future__ import annotations

from dataclasses import dataclass

from dataworks_assets.stack.sample.bench import BenchRequest


@dataclass(frozen=True)
class PartnerSizes:
    """Sizes of Kickstart's measures; bytes are of CSV or JSON text.

    Attributes:
        files: files of the comparisons.
        file_bytes: of each.
        large_bytes: of one large document.
        days: days that are caught up at once.
    """

    files: int
    file_bytes: int
    large_bytes: int
    days: int


@dataclass(frozen=True)
class Sizes:
    """Sizes of every measure; bytes are of JSON text.

    Attributes:
        rounds: how often each contender of a comparison runs.
        speed: the export of the comparisons.
        scale: the smaller export of the comparison over the number of files; the larger has ten times the files.
        large: one large file.
        ids: many small documents in many files.
        day_collections: collections of the day that is measured with Dagster around it, two small files each.
        partitions: partitions that are registered at once.
        location_collections: collections of the code location that is loaded.
        partner: of Kickstart.
    """

    rounds: int
    speed: BenchRequest
    scale: BenchRequest
    large: BenchRequest
    ids: BenchRequest
    day_collections: int
    partitions: int
    location_collections: int
    partner: PartnerSizes


FULL = Sizes(
    rounds=5,
    speed=BenchRequest(files=16, file_bytes=40_000_000),
    scale=BenchRequest(files=16, file_bytes=8_000_000),
    large=BenchRequest(files=1, file_bytes=2_000_000_000),
    ids=BenchRequest(files=100, file_bytes=12_610_000, small=True),
    day_collections=300,
    partitions=1_000,
    location_collections=1_000,
    partner=PartnerSizes(files=8, file_bytes=40_000_000, large_bytes=2_000_000_000, days=365),
)

QUICK = Sizes(
    rounds=2,
    speed=BenchRequest(files=8, file_bytes=16_000_000),
    scale=BenchRequest(files=4, file_bytes=2_000_000),
    large=BenchRequest(files=1, file_bytes=400_000_000),
    ids=BenchRequest(files=20, file_bytes=2_000_000, small=True),
    day_collections=20,
    partitions=100,
    location_collections=200,
    partner=PartnerSizes(files=4, file_bytes=8_000_000, large_bytes=200_000_000, days=30),
)
