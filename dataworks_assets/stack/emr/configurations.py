"""Cluster configurations as EMR treats them: the API shows references to secrets, only nodes have their values.

After EMR's Release Guide, "Store sensitive configuration data in AWS Secrets Manager".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

_MARK = "EMR.secret@"
_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+")
_MOST_CHARACTERS = 1024
"""Maximum length of a property's name and its secret's text together."""

Configurations = Sequence[Mapping[str, Any]]


def misfits(configurations: Configurations) -> Iterator[str]:
    """Yields what EMR refuses of configurations."""
    for each in configurations:
        for name, value in each.get("Properties", {}).items():
            if name.startswith(_MARK) and not _ARN.fullmatch(value):
                yield f"The value of {name} must be the ARN of a secret in AWS Secrets Manager."
        yield from misfits(each.get("Configurations", ()))


def shown(configurations: Configurations) -> list[dict[str, Any]]:
    """Returns configurations as DescribeCluster shows them: the marks are gone, the ARNs stay."""
    found = []
    for each in configurations:
        properties = {name.removeprefix(_MARK): value for name, value in each.get("Properties", {}).items()}
        inner = {"Configurations": shown(each["Configurations"])} if each.get("Configurations") else {}
        found.append({**each, "Properties": properties, **inner})
    return found


def resolved(properties: Mapping[str, str], read_secret: Callable[[str], str]) -> dict[str, str]:
    """Returns properties as they are on a node, with the values of secrets.

    Raises:
        LookupError: a secret cannot be read, or is too long.
    """
    found = {}
    for name, value in properties.items():
        if not name.startswith(_MARK):
            found[name] = value
            continue
        plain, secret = name.removeprefix(_MARK), read_secret(value)
        if len(plain) + len(secret) > _MOST_CHARACTERS:
            raise LookupError(f"the secret of {plain} is longer than EMR takes")
        found[plain] = secret
    return found


def write_site(path: Path, properties: Mapping[str, str]) -> None:
    """Writes properties as Hadoop's programs read them, for this user alone."""
    root = Xml.Element("configuration")
    for name, value in properties.items():
        one = Xml.SubElement(root, "property")
        Xml.SubElement(one, "name").text = name
        Xml.SubElement(one, "value").text = value
    path.touch(mode=0o600)
    path.write_bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))
