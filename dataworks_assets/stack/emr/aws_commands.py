"""The commands of AWS' command line that bootstrap scripts call, for nodes of the emulated EMR.

`aws s3 cp <object> <path>` and `aws secretsmanager get-secret-value --secret-id <name>`, of which it prints the text. Run as a
program of its own; it knows nothing of this project, as nothing on a node does.
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit


def main(arguments: list[str]) -> int:
    """Carries one command out; returns the exit code."""
    import boto3

    given = [argument for argument in arguments if not argument.startswith("--")]
    if given[:2] == ["s3", "cp"] and len(given) == len(["s3", "cp", "source", "target"]):
        source, target = urlsplit(given[2]), given[3]
        boto3.client("s3").download_file(source.netloc, source.path.lstrip("/"), target)
        return 0
    if arguments[:3] == ["secretsmanager", "get-secret-value", "--secret-id"] and "SecretString" in arguments:
        sys.stdout.write(boto3.client("secretsmanager").get_secret_value(SecretId=arguments[3])["SecretString"] + "\n")
        return 0
    sys.stderr.write(f"aws {' '.join(arguments)} is not emulated: only `aws s3 cp` and the text of a secret are\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
