"""One module a measure: what is run, what is compared, what has to be reached."""

from __future__ import annotations

from collections.abc import Callable

from bench.findings import Section, Surroundings
from bench.measures import emr, guidance, identities, ledger, memory, partner, polling, scale, speed

MEASURES: dict[str, Callable[[Surroundings], Section]] = {
    "speed": speed.measure,
    "scale": scale.measure,
    "memory": memory.measure,
    "ids": identities.measure,
    "guidance": guidance.measure,
    "partner": partner.measure,
    "emr": emr.measure,
    "polling": polling.measure,
    "ledger": ledger.measure,
}
"""Every measure by name, in the order of the table."""
