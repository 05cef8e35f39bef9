"""Shows notices to operators on the terminal while a command runs, by title only: the command's own tables have the causes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from dataworks_assets.ledger import notices


@dataclass(eq=False)
class _Lines(logging.Handler):
    console: Console

    def __post_init__(self) -> None:
        super().__init__()

    def emit(self, record: logging.LogRecord) -> None:
        """Prints a notice's title, or whatever else is logged about notices."""
        title = getattr(record, notices.TITLE, None)
        said = f"Operators are told: {title}" if title else record.getMessage()
        self.console.print(Text(said, style="dim"), soft_wrap=True)


@contextmanager
def notices_shown(console: Console) -> Iterator[None]:
    """Shows warnings and errors to operators, one line each, while the block runs."""
    logger, handler = logging.getLogger(notices.__name__), _Lines(console)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
