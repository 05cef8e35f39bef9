"""Ports stay from one start to the next, and are never two services' at once."""

from __future__ import annotations

import socket

import pytest

from dataworks_assets.stack import ports
from spark.errors import StackError


@pytest.fixture
def busy():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_free_port_is_kept():
    kept = ports.choose_ports(["main"], kept={})
    assert ports.choose_ports(["main"], kept=kept) == kept


def test_a_port_that_is_taken_meanwhile_is_replaced(busy, monkeypatch):
    monkeypatch.setattr(ports, "_RELEASE_SECONDS", 0.0)
    assert ports.choose_ports(["main"], kept={"main": busy})["main"] != busy


def test_a_promised_port_is_not_given_twice():
    kept = ports.choose_ports(["main"], kept={})
    assert ports.choose_ports(["main"], kept=kept, taken=kept.values()) != kept


def test_ports_of_one_service_differ():
    chosen = ports.choose_ports("abcdefgh", kept={}, offsets=(0, 10_000))
    assert len(ports.expand(chosen.values(), (0, 10_000))) == 16


def test_no_port_left_is_an_error(monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda _: False)
    with pytest.raises(StackError, match="no free port"):
        ports.choose_ports(["main"], kept={})
