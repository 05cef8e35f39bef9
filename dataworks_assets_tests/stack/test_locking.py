"""One at a time: who comes second says so, waits, and goes on when the first is done."""

from __future__ import annotations

import threading

from dataworks_assets.stack.locking import locked


def test_a_lock_that_is_free_is_not_waited_for(tmp_path):
    waited = []
    for _ in range(2):
        with locked(tmp_path / "lock", waiting=lambda: waited.append(1)):
            pass
    assert waited == []


def test_the_second_waits_until_the_first_is_done(tmp_path):
    order, is_waiting = [], threading.Event()

    def second():
        with locked(tmp_path / "lock", waiting=is_waiting.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path / "lock"):
        thread.start()
        assert is_waiting.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]
