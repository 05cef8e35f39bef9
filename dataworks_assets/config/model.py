"""The basis of every configuration model: the frozen base class and shared field types.

No model of a deployment or collection belongs here, and nothing that reads a file.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError


class Model(BaseModel):
    """Base of all configuration: immutable, unknown keys refused, attribute docstrings as the schema's descriptions."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True, hide_input_in_errors=True
    )


def _split_path(value: object) -> object:
    if not isinstance(value, str) or not value:
        return value
    names = tuple(value.split("."))
    if not all(names):
        raise refused(
            f"the path {value!r} has an empty name in it: a field whose name is empty is written as in ['a', '', 'b']"
        )
    return names


DocumentPath = Annotated[tuple[str, ...], BeforeValidator(_split_path, json_schema_input_type=str | list[str])]
"""A path from a document's root: `message._id`, or a list where a name itself holds a dot."""


def refused(text: str, *at: str | int) -> PydanticCustomError:
    """Returns an error for a validator to raise; its line in the file is that of the part `at` below the validated one."""
    return PydanticCustomError("refused", "{text}", {"text": text, "at": at})
