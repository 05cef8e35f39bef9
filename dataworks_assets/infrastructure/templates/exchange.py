"""Values that one stack exports and others import, by name, and the tags of all resources."""

from __future__ import annotations

from collections.abc import Mapping

from troposphere import Export, ImportValue, Output, Split, Sub, Tags, Template


def give(template: Template, name: str, value: object, meaning: str) -> None:
    """Exports a value under a name; it is an output of the stack too."""
    template.add_output(Output(name, Value=value, Description=meaning, Export=Export(Sub(f"${{Prefix}}-{name}"))))


def take(name: str) -> ImportValue:
    """The value that another stack exports under this name."""
    return ImportValue(Sub(f"${{Prefix}}-{name}"))


def tags(**further: object) -> Tags:
    """The tags of every resource, by which costs are allocated and EMR's managed policy recognises its resources."""
    return Tags(Application="dataworks", Environment=Sub("${Environment}"), **further)


def named(name: str) -> Tags:
    """The same tags, with a name as consoles show it."""
    return tags(Name=Sub(f"${{Prefix}}-{name}"))


def tag_mapping(further: Mapping[str, object]) -> dict[str, object]:
    """The same tags for resources that take a mapping."""
    return {"Application": "dataworks", "Environment": Sub("${Environment}"), **further}


IS_PRODUCTION = "IsProduction"
"""The condition by which what production keeps differs; a template that uses it declares it."""
SUBNETS = Split(",", take("Subnets"))
"""The private subnets."""
