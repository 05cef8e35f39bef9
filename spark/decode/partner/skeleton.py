"""Parses the text around the elements of a partner's JSON document: the declared fields, with their PII marks."""

from __future__ import annotations

import json

import msgspec

from spark.decode.partner.batches import SourceField
from spark.errors import InputError

TOO_DEEP = "nested deeper than can be read (about 1,000 levels)"
_YES = {"true": True, "false": False}


class _Field(msgspec.Struct):
    fieldName: str  # noqa: N815 - the partner's own
    pii: bool | str


class _Skeleton(msgspec.Struct):
    """The document without its elements."""

    fields: list[_Field]
    data: list[msgspec.Raw]


def begun_fields(before: bytes, *, uri: str) -> tuple[SourceField, ...] | None:
    """Returns the fields that are declared before the elements; None where they are not, or not to be read.

    Args:
        before: the document up to where its elements begin.
        uri: its address, for errors.

    Raises:
        InputError: a PII mark is neither true nor false.
    """
    try:
        early = msgspec.json.decode(before + b"]}", type=_Skeleton)
    except (msgspec.MsgspecError, RecursionError):
        return None
    return tuple(_source_field(each, uri) for each in early.fields)


def all_fields(around: bytes, *, uri: str) -> tuple[SourceField, ...]:
    """Returns the declared fields of a whole document without its elements.

    Args:
        around: all of it but the elements.
        uri: its address, for errors.

    Raises:
        ValueError: it is not the documented object; says why.
        InputError: a PII mark is neither true nor false.
    """
    try:
        skeleton = msgspec.json.decode(around, type=_Skeleton)
        names = [name for name, _ in json.loads(around, object_pairs_hook=list)]
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    for name in ("fields", "data"):  # the last one would be read, and the marks of the first be lost
        if names.count(name) > 1:
            raise ValueError(f"`{name}` is there twice")
    return tuple(_source_field(each, uri) for each in skeleton.fields)


def _source_field(each: _Field, uri: str) -> SourceField:
    pii = _YES.get(each.pii.lower()) if isinstance(each.pii, str) else each.pii
    if pii is None:
        raise InputError(
            f"the PII mark of the field {each.fieldName!r} is {each.pii!r}, not true or false",
            where=uri,
            remedy="Have the partner mark every field",
        )
    return SourceField(each.fieldName, pii)
