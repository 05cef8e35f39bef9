"""The programs that an image of EMR has and this machine may not, or may not let a node use: `aws`, `sudo` and the like."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from dataworks_assets.stack.emr import aws_commands

_SYSTEMCTL = """
for unit; do :; done
case "$1" in
    daemon-reload) ;;
    enable) [ -e "$DATAWORKS_NODE_UNITS/$unit" ] || { echo "Unit file $unit does not exist." >&2; exit 1; } ;;
    *) echo "systemctl $* is not emulated" >&2; exit 1 ;;
esac
"""
"""Knows units by their files and starts none: clusters of one machine would want the same ports."""
_INSTALL = """
left=$#
while [ $left -gt 0 ]; do
    case "$1" in
        -o | -g) shift 2; left=$((left - 2)) ;;
        *) set -- "$@" "$1"; shift; left=$((left - 1)) ;;
    esac
done
exec /usr/bin/install "$@"
"""
"""Leaves everything to the one user that there is: a node's users and groups are not here."""


def put_programs(folder: Path) -> None:
    """Writes the programs into a folder that is there."""
    programs = {
        "aws": f'exec {shlex.quote(sys.executable)} -I {shlex.quote(aws_commands.__file__)} "$@"',
        "sudo": 'exec "$@"',
        "systemctl": _SYSTEMCTL,
        "install": _INSTALL,
        "python3.11": f'exec {shlex.quote(str(Path(sys.executable).resolve()))} "$@"',
    }
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
