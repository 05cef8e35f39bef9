from __future__ import annotations

from zlib import crc32

import pytest

from dataworks_assets.stack.sample.slicing import divide, slice_ranges
from dataworks_assets.stack.sample.wire import Record

RECORDS = [Record(b"x" * 99, f'{{"$oid":"{number}"}}'.encode(), 0) for number in range(1000)]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 256])
def test_slices_cover_every_key_once(count):
    assert [key for start, end in slice_ranges(count) for key in range(start, end)] == list(range(256))


def test_every_record_is_in_the_slice_of_its_key():
    for name, records in divide("db.a.b", RECORDS, slices=4):
        assert all(name.slice_start <= crc32(record.manifest_id) >> 24 < name.slice_end for record in records)


def test_no_record_is_lost():
    divided = [record for _, records in divide("db.a.b", RECORDS, slices=4, batch_bytes=1000) for record in records]
    assert sorted(divided) == sorted(RECORDS)


def test_batches_are_numbered_from_1_within_a_slice():
    names = [name for name, _ in divide("db.a.b", RECORDS, slices=2, batch_bytes=10_000)]
    for start in (0, 128):
        batches = [name.batch for name in names if name.slice_start == start]
        assert batches == list(range(1, len(batches) + 1))
        assert len(batches) > 1


def test_a_batch_ends_once_it_is_large_enough():
    sizes = [len(records) for _, records in divide("db.a.b", RECORDS[:25], batch_bytes=1000)]
    assert sizes == [10, 10, 5]


def test_nothing_gives_no_file():
    assert list(divide("db.a.b", [])) == []
