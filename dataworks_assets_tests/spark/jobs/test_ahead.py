import threading

import pytest

from spark.jobs.ahead import read_ahead


def test_pieces_come_in_their_order():
    assert list(read_ahead(iter([b"a", b"", b"c"]))) == [b"a", b"", b"c"]
    assert list(read_ahead(iter([]))) == []


def test_the_next_piece_is_fetched_while_the_first_is_in_hand():
    fetched = threading.Event()

    def pieces():
        yield 1
        fetched.set()
        yield 2

    ahead = read_ahead(pieces())
    assert next(ahead) == 1
    assert fetched.wait(10)


def test_an_error_comes_where_its_piece_would_have_come():
    def pieces():
        yield 1
        raise ValueError("cut off")

    ahead = read_ahead(pieces())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="cut off"):
        next(ahead)


def test_a_reader_that_stops_early_leaves_no_thread():
    before = threading.active_count()
    ahead = read_ahead(iter(range(1, 10)))
    next(ahead)
    ahead.close()
    assert threading.active_count() == before
