"""Files become shards and shards become tasks: by bytes, whole slices where it can be, oldest day first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dataworks_assets_tests.spark.jobs.examples import data_file, work
from spark.jobs.packing import MIB, Shard, bins_of, shards_of


def test_a_day_without_files_is_one_shard_without_files() -> None:
    assert [shard.files for shard in shards_of([work([])], cores=2)] == [()]


def test_many_small_files_of_a_day_are_few_shards() -> None:
    files = [data_file(slice_start=start, slice_end=start + 1) for start in range(200)]
    assert len(shards_of([work(files)], cores=2)) <= 4


def test_a_slice_stays_whole_where_it_fits() -> None:
    files = [
        data_file(size_bytes=4 * MIB, slice_start=start, slice_end=start + 8, batch=batch)
        for start in (0, 8)
        for batch in (1, 2)
    ]
    shards = shards_of([work(files)], cores=2)
    assert all(not shard.spread for shard in shards)


def test_a_slice_that_is_too_large_is_spread_and_named() -> None:
    files = [data_file(size_bytes=100 * MIB, batch=batch) for batch in (1, 2, 3)]
    shards = shards_of([work(files)], cores=2)
    assert [(len(shard.files), set(shard.spread)) for shard in shards] == [(1, {(0, 8)})] * 3


def test_equal_work_makes_at_least_two_tasks_a_core() -> None:
    works = [work([data_file()], collection=f"core/c{number}") for number in range(8)]
    assert len(bins_of(shards_of(works, cores=2), cores=2)) >= 4


def test_the_oldest_day_comes_first() -> None:
    works = [work([data_file()], export_date=day) for day in ("2026-11-20", "2026-11-18", "2026-11-19")]
    packed = bins_of(shards_of(works, cores=1), cores=1)
    assert [shard.export_date for task in packed for shard in task] == ["2026-11-18", "2026-11-19", "2026-11-20"]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 4), st.integers(0, 200 * MIB)), max_size=40), st.integers(1, 8))
def test_every_file_is_in_exactly_one_task(described: list[tuple[int, int, int]], cores: int) -> None:
    files = [
        data_file(slice_start=start, slice_end=start + 1, batch=index, size_bytes=size)
        for index, (start, _, size) in enumerate(described)
    ]
    packed: list[Shard] = [shard for task in bins_of(shards_of([work(files)], cores=cores), cores=cores) for shard in task]
    assert sorted(file.source.uri for shard in packed for file in shard.files) == sorted(file.source.uri for file in files)
