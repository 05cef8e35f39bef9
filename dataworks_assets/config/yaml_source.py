"""YAML with the line number of every part, so that problems can be reported with their place.

Knows nothing of what the YAML means.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from spark.errors import ConfigurationError

Location = tuple[str | int, ...]
"""Keys and indices from the document's root."""

_BASE: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc, valid-type]
    """Says where a value stands that looks like a date or a number and is none: 2026-02-30, 0x_."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        try:
            return super().construct_object(node, deep=deep)
        except ValueError as error:
            problem = f"{node.value!r} looks like a {node.tag.rpartition(':')[2]}, but {error}: put a text in quotes"
            raise yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark) from error


@dataclass(frozen=True)
class YamlSource:
    """A YAML mapping as it was read, and the line of each part. Lines count from 1."""

    path: Path
    data: dict[str, object]
    lines: dict[Location, int]

    def where(self, *locations: Location) -> str:
        """Returns `file:line` of the first location that the file has, or of the nearest part around the first."""
        for location in locations:
            if location in self.lines:
                return f"{self.path}:{self.lines[location]}"
        location = locations[0]
        while location not in self.lines and location:
            location = location[:-1]
        return f"{self.path}:{self.lines.get(location, 1)}"


def read_yaml(path: Path) -> YamlSource:
    """Returns the YAML mapping in a file; an empty file is an empty mapping.

    Raises:
        ConfigurationError: the file is missing, not YAML or not a mapping, or has a duplicate key; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        what = f"the file is not UTF-8 from byte {error.start} on"
        raise ConfigurationError(what, where=str(path), remedy="Save it as UTF-8") from error
    except OSError as error:
        raise ConfigurationError(
            f"the file cannot be read: {error.strerror}", where=str(path), remedy="Correct the name, or put the file there"
        ) from error
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Location, int] = {(): 1}
        if node is None:
            return YamlSource(path, {}, lines)
        if not isinstance(node, yaml.MappingNode):
            raise ConfigurationError("the file is no mapping", where=f"{path}:1", remedy="Begin with `key: value`")
        _note_lines(node, (), lines, path)
        return YamlSource(path, loader.construct_document(node), lines)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"no YAML: {error.problem}", where=f"{path}:{line}", remedy="Correct the line") from error
    finally:
        loader.dispose()


def _note_lines(node: yaml.Node, location: Location, lines: dict[Location, int], path: Path) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[*location, index] = item.start_mark.line + 1
            _note_lines(item, (*location, index), lines, path)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*location, str(key.value))
            if below in lines:
                raise ConfigurationError(
                    f"the key {key.value!r} is there twice, first in line {lines[below]}",
                    where=f"{path}:{key.start_mark.line + 1}",
                    remedy="Keep one",
                )
            lines[below] = key.start_mark.line + 1
            _note_lines(value, below, lines, path)
