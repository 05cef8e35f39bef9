"""Rewrites commands that a message advises so that they can be typed as shown.

The platform's messages say the same everywhere: `dataworks status`. A user who named the deployment on the command line has
to name it again, or the advised command would work on a different one.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_named: dict[str, str] = {}


def name_deployment(name: str | None, commands: Collection[str]) -> None:
    """Has advised commands name a deployment; None: they are typed as they stand.

    Args:
        name: what was named on the command line.
        commands: of which a text may advise.
    """
    _named.clear()
    if name is not None:
        _named[rf"\bdataworks (?=(?:{'|'.join(map(re.escape, commands))})\b)"] = f"dataworks -d {name} "


def as_typed(text: str) -> str:
    """Returns a text in which every command of the platform works on the deployment that was named."""
    for command, typed in _named.items():
        text = typed.join(re.split(command, text))
    return text
