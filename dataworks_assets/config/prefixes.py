"""Prefixes of the object store as templates, filled in from the partition, never from the clock."""

from __future__ import annotations

import string
from datetime import date
from typing import Annotated

from pydantic import AfterValidator

from dataworks_assets.config.naming import SnapshotType

_FIELDS = ("export_date", "snapshot_type")


def _template(text: str) -> str:
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(text) if field is not None]
    except ValueError as error:
        raise ValueError(f"{text!r} is no template: {error}") from error
    unknown = [field for field in fields if field not in _FIELDS]
    if unknown:
        raise ValueError(f"{text!r} has the unknown field {{{unknown[0]}}}: use {{export_date}} and {{snapshot_type}}")
    if "export_date" not in fields:
        raise ValueError(f"{text!r} must hold {{export_date}}, or every day would read the same objects")
    return _no_slashes(text)


def _no_slashes(text: str) -> str:
    if not text or text.startswith("/") or text.endswith("/") or "//" in text:
        raise ValueError(f"the prefix {text!r} is empty, or begins or ends with a slash, or has two in a row")
    return text


Prefix = Annotated[str, AfterValidator(_no_slashes)]
"""A fixed prefix, without leading or trailing slash."""

PrefixTemplate = Annotated[str, AfterValidator(_template)]
"""A prefix that contains `{export_date}`, and optionally `{snapshot_type}`."""


def fill(template: str, *, export_date: date, snapshot_type: SnapshotType) -> str:
    """Returns the prefix of one day and snapshot type; the date is written `YYYY-MM-DD`."""
    return template.format(export_date=export_date.isoformat(), snapshot_type=snapshot_type.value)
