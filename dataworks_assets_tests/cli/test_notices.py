"""What operators are told while a command runs is a line on its terminal."""

from __future__ import annotations

import io
import logging

from rich.console import Console

from dataworks_assets.cli.notices import notices_shown
from dataworks_assets.ledger.notices import LogNotifier, Notice, NoticeType

REFUSED = Notice(NoticeType.ERROR, "ADG-full 2026-11-20 failed", {"causes": "a [long] one"})


def console() -> Console:
    return Console(file=io.StringIO(), width=40)


def shown(*notices):
    terminal = console()
    with notices_shown(terminal):
        for notice in notices:
            LogNotifier().send(notice)
    return terminal.file.getvalue()


def test_a_notice_is_shown_by_its_title_alone():
    assert shown(REFUSED) == "Operators are told: ADG-full 2026-11-20 failed\n"


def test_mere_information_is_not_shown():
    assert not shown(Notice(NoticeType.INFORMATION, "ADG-full 2026-11-20 is complete"))


def test_a_notice_that_was_not_taken_is_said():
    terminal = console()
    with notices_shown(terminal):
        logging.getLogger("dataworks_assets.ledger.notices").error("the notice %r was not sent: %s", "x", "[no] way")
    assert "the notice 'x' was not sent: [no] way" in terminal.file.getvalue()


def test_afterwards_the_terminal_is_left_alone():
    terminal = console()
    with notices_shown(terminal):
        pass
    LogNotifier().send(REFUSED)
    assert not terminal.file.getvalue()
