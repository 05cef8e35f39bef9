"""Problems of a configuration, collected so that all are reported at once, each with its place."""

from __future__ import annotations

import difflib
import reprlib
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from spark.errors import ConfigurationError

if typing.TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from dataworks_assets.config.yaml_source import Location


_SHAPES = {
    "tuple_type": "is no list: write [first, second]",
    "list_type": "is no list: write [first, second]",
    "dict_type": "is no mapping: write {name: value}",
    "model_type": "is no mapping: write {name: value}",
    "bool_type": "is neither true nor false",
    "bool_parsing": "is neither true nor false",
}
"""Messages about a value's shape in YAML's terms, by pydantic's error type."""


class Problem(NamedTuple):
    """One thing that is wrong: `file:line`, what, and what to do."""

    where: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return str(ConfigurationError(self.what, where=self.where, remedy=self.remedy))


def raise_problems(problems: Sequence[Problem]) -> None:
    """Raises one ConfigurationError that lists all problems, in order of their places, if there are any."""
    if not problems:
        return
    if len(problems) == 1:
        raise ConfigurationError(problems[0].what, where=problems[0].where, remedy=problems[0].remedy)
    told = "\n".join(f"  {problem}" for problem in sorted(problems, key=_place))
    raise ConfigurationError(f"{len(problems)} things are wrong with the configuration:\n{told}")


def model_problems(
    error: ValidationError, model: type[BaseModel], where: Callable[[Location], str], *, keys_elsewhere: Sequence[str] = ()
) -> Iterator[Problem]:
    """Yields the problems found by a model's validation, in the file's own terms and places.

    Args:
        error: as pydantic raised it.
        model: the model that was validated, for the nearest valid names.
        where: returns `file:line` of a location below the model.
        keys_elsewhere: fields of the model that are not keys in the file.
    """
    details = error.errors()
    for detail in details:
        location: Location = tuple(detail["loc"])
        if detail["type"] == "too_short" and any(_is_below(tuple(each["loc"]), location) for each in details):
            continue  # pydantic counts only what is valid, and says of each item what is wrong with it
        at = detail.get("ctx", {}).get("at", ())
        if detail["type"] == "extra_forbidden":
            key = str(location[-1])
            valid = [name for name in _keys(model, location[:-1]) if name not in keys_elsewhere]
            yield Problem(where(location), f"unknown key {key!r}", _nearest(key, valid))
        else:
            yield Problem(where((*location, *at)), _text(detail, location))


def nearest(name: str, valid: Sequence[str]) -> str:
    """Returns the remedy for an unknown name: the nearest valid one, else all of them."""
    return _nearest(name, list(valid))


def _is_below(location: Location, above: Location) -> bool:
    return len(location) > len(above) and location[: len(above)] == above


def _place(problem: Problem) -> tuple[str, int]:
    path, _, line = problem.where.rpartition(":")
    return (path, int(line)) if line.isdecimal() else (problem.where, 0)


def _nearest(name: str, valid: list[str]) -> str:
    close = difflib.get_close_matches(name.lower(), valid, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Use one of: {', '.join(sorted(valid))}"


def _text(detail: ErrorDetails, location: Location) -> str:
    field = ".".join(str(part) for part in location)
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "string_type" and not isinstance(detail["input"], dict | list):
        return f"{field}: {detail['input']!r} is no text: put it in quotes"
    if detail["type"] in {"refused", "value_error"}:
        return message if not field else f"{field}: {message}"
    if detail["type"] == "missing":
        return f"{field} is missing"
    if detail["type"] in _SHAPES:
        return f"{field}: {detail['input']!r} {_SHAPES[detail['type']]}"
    if detail["type"] == "too_short":
        return f"{field}: at least one entry is needed"
    shown = reprlib.repr(detail["input"]) if isinstance(detail["input"], dict | list | tuple) else repr(detail["input"])
    return f"{field}: {message[:1].lower()}{message[1:]}, not {shown}"


def _keys(model: type[BaseModel], location: Location) -> list[str]:
    """Returns the keys that are valid at a location below a model."""
    found: list[object] = [model]
    for part in location:
        found = [below for annotation in found for below in _below(annotation, part)]
    models = [candidate for annotation in found for candidate in _models(annotation)]
    return list(dict.fromkeys(name for candidate in models for name in candidate.model_fields))


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Yields the models that an annotation may stand for, through Annotated and unions, not into containers."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif typing.get_origin(annotation) not in {tuple, list, dict}:
        for argument in typing.get_args(annotation):
            yield from _models(argument)


def _below(annotation: object, part: str | int) -> Iterator[object]:
    """Yields the annotations of what stands under a key or index, through Annotated and unions."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if part in annotation.model_fields:
            yield annotation.model_fields[str(part)].annotation
    elif origin in {tuple, list}:
        yield arguments[0]
    elif origin is dict:
        yield arguments[1]
    else:
        for argument in arguments:
            yield from _below(argument, part)
