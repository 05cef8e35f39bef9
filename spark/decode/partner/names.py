"""Converts a partner's column names to the table's, in lower snake case: one rule for CSV headers, one for JSON fields."""

from __future__ import annotations

import re
from collections.abc import Sequence

from spark.contract import PartnerFormat
from spark.errors import InputError

ROW_HASH = "row_hash_id"
ERROR_DESC = "error_desc"
ADDED = ("date_uploaded", ERROR_DESC, ROW_HASH)
"""Columns that the platform adds; no source column may take their names."""

_UNFIT = re.compile(r"[^0-9a-zA-Z$]+")
_CAPITAL = re.compile(r"[A-Z]")
_REMEDY = "Have the partner rename one of them"


def csv_name(source: str) -> str:
    """Returns the column of a CSV header: every run of other characters than `0-9a-zA-Z$` as one `_`, lower case."""
    return _UNFIT.sub(" ", source).strip().replace(" ", "_").lower()


def json_name(source: str) -> str:
    """Returns the column of a JSON field: the first letter lower, then every capital `X` as `_x`.

    Capitals of other alphabets become lower case too: catalogs store names so, and the next day's would be another column.
    """
    first, rest = source[:1].lower(), source[1:]
    return first + _CAPITAL.sub(lambda match: f"_{match[0].lower()}", rest).lower()


def column_names(sources: Sequence[str], *, style: PartnerFormat, uri: str) -> dict[str, str]:
    """Returns the column by source name, in the order of the source.

    Args:
        sources: the header of a CSV file, or the names of a document's `fields`.
        style: how names are made.
        uri: the object, for errors.

    Raises:
        InputError: a name is empty, a duplicate, or becomes the column of another name or one that the platform adds.
    """
    make = csv_name if style is PartnerFormat.CSV else json_name
    by_column: dict[str, str] = {}
    for number, source in enumerate(sources, 1):
        column = make(source)
        if not column:
            raise InputError(f"column {number} has no name", where=uri, remedy="Have the partner name every column")
        if column in ADDED:
            raise InputError(f"the column {source!r} becomes {column!r}, which the platform adds", where=uri, remedy=_REMEDY)
        if column in by_column:
            other = by_column[column]
            same = (
                f"the column {source!r} is there twice"
                if other == source
                else f"{other!r} and {source!r} both become {column!r}"
            )
            raise InputError(same, where=uri, remedy=_REMEDY)
        by_column[column] = source
    return {source: column for column, source in by_column.items()}
