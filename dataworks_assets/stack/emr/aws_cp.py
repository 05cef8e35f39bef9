"""The one command of AWS' command line that bootstrap scripts call, `aws s3 cp <object> <path>`, for nodes of the emulated EMR.

Run as a program of its own; it knows nothing of this project, as nothing on a node does.
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit


def main(arguments: list[str]) -> int:
    """Copies one object to a path; returns the exit code."""
    import boto3

    given = [argument for argument in arguments if not argument.startswith("--")]
    if given[:2] != ["s3", "cp"] or len(given) != len(["s3", "cp", "source", "target"]):
        sys.stderr.write(f"aws {' '.join(arguments)} is not emulated: only `aws s3 cp s3://bucket/key path` is\n")
        return 2
    source, target = urlsplit(given[2]), given[3]
    boto3.client("s3").download_file(source.netloc, source.path.lstrip("/"), target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
