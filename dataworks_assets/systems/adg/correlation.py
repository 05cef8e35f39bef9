"""What may be a correlation id, the key of the status rows that other products read. Assigning ids happens elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from spark.errors import ConfigurationError

_MOST_BYTES = 1024
"""DynamoDB's limits: partition keys have up to 2,048 bytes, sort keys up to 1,024."""


def misfit_of(correlation_id: str) -> str:
    """Returns why a text cannot be a correlation id; empty if it can."""
    if (found := len(correlation_id.encode())) > _MOST_BYTES:
        return f"has {found:,} bytes, but the ledger's keys take {_MOST_BYTES:,}"
    return "" if correlation_id.isprintable() else "has a character that is not printable"


def refuse_misfits(correlation_ids: Iterable[str]) -> None:
    """Refuses invalid correlation ids before anything is done with them: their rows could never be written.

    Raises:
        ConfigurationError: one of them is invalid.
    """
    for each in correlation_ids:
        if misfit := misfit_of(each):
            raise ConfigurationError(
                f"the correlation id {misfit}",
                where="correlation_id",
                remedy="Name it as the export's message does, or leave it out",
            )
