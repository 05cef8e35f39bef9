"""The terminals that commands write to."""

from __future__ import annotations

from rich.console import Console

_WIDE_CHARACTERS = 160


def make_console(*, stderr: bool = False) -> Console:
    """Returns a console; a wide one if the output is not a terminal, so that tables in a log or a file are not broken."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=_WIDE_CHARACTERS)
