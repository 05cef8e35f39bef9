"""Ids of a file against its manifest's, and among themselves."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.contract import ExportCollection, OutputTable
from spark.decode.documents import Decoder
from spark.decode.ids import IdLog, line_at, reconcile, repeated
from spark.decode.stream import Chunk
from spark.native.ids import Hashes

few = st.lists(st.integers(0, 4), max_size=8)


def hashes(*values: int) -> Hashes:
    return np.array(values, np.uint64)


def differing(documents: Hashes, manifest: Hashes) -> tuple[list[int], list[int]]:
    found = reconcile(documents, manifest)
    return found.unlisted.tolist(), found.left_over.tolist()


def test_the_same_ids_in_any_order_agree() -> None:
    assert differing(hashes(1, 2, 3), hashes(1, 2, 3)) == ([], [])
    assert differing(hashes(3, 1, 2), hashes(1, 2, 3)) == ([], [])


def test_an_id_of_the_manifest_that_no_row_has_is_left_over() -> None:
    assert differing(hashes(1, 3), hashes(1, 2, 3)) == ([], [1])


def test_an_id_that_is_not_listed_is_found_by_its_position() -> None:
    assert differing(hashes(1, 9, 3), hashes(1, 2, 3)) == ([1], [1])


@given(few, few)
def test_reconciling_is_a_difference_of_multisets(documents: list[int], manifest: list[int]) -> None:
    result = reconcile(hashes(*documents), hashes(*manifest))
    unlisted = Counter(documents[position] for position in result.unlisted)
    left_over = Counter(manifest[position] for position in result.left_over)
    assert unlisted == Counter(documents) - Counter(manifest)
    assert left_over == Counter(manifest) - Counter(documents)


@given(few)
def test_repeated_ids_are_all_but_the_first_of_each(values: list[int]) -> None:
    again, before = repeated(hashes(*values))
    assert again.tolist() == [position for position, value in enumerate(values) if value in values[:position]]
    assert all(values[one] == values[other] and other < one for one, other in zip(again, before, strict=True))


def test_an_id_is_named_by_its_line_and_hash_and_never_in_clear() -> None:
    decoder = Decoder(
        ExportCollection(name="c", topic="t", snapshot_type="full", tables=(OutputTable(database="d", name="t"),))
    )
    log = IdLog()
    log.add(decoder.decode(Chunk(b'{"_id":{"d_oid":"aa"}}\n\n', 0)))
    log.add(decoder.decode(Chunk(b'[]\n{"_id":{"d_oid":"secret"}}\n', 24)))
    assert len(log.hashes) == 2
    fingerprint = hashlib.sha256(b'{"d_oid":"secret"}').hexdigest()
    assert log.name(1) == f"line 4, id SHA-256 {fingerprint}"


def test_an_id_beyond_the_memory_for_texts_is_named_by_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spark.decode.ids._TEXTS_LIMIT_BYTES", 1)
    decoder = Decoder(
        ExportCollection(name="c", topic="t", snapshot_type="full", tables=(OutputTable(database="d", name="t"),))
    )
    log = IdLog()
    for number in range(2):
        log.add(decoder.decode(Chunk(b'{"_id":%d}\n' % number, 0)))
    assert log.name(0).startswith("line 1, id SHA-256 ")
    assert log.name(1) == "line 2"


@given(st.lists(st.sets(st.integers(1, 40), min_size=1).map(sorted), max_size=4))
def test_every_rows_line_is_known_however_many_are_left_out(chunks: list[list[int]]) -> None:
    log = IdLog()
    decoder = Decoder(
        ExportCollection(name="c", topic="t", snapshot_type="full", tables=(OutputTable(database="d", name="t"),))
    )
    for lines in chunks:
        texts = [b'{"_id":1}\n' if number in lines else b"\n" for number in range(1, lines[-1] + 1)]
        log.add(decoder.decode(Chunk(b"".join(texts), 0)))
    starts = np.cumsum([0, *(lines[-1] for lines in chunks)])
    expected = [int(start) + line for start, lines in zip(starts, chunks, strict=False) for line in lines]
    assert [line_at(log.line_runs, row) for row in range(len(expected))] == expected
    assert [log.name(row).partition(",")[0] for row in range(len(expected))] == [f"line {line}" for line in expected]
