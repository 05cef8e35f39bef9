from __future__ import annotations

import pytest

from spark.native.lines import line_ends


@pytest.mark.parametrize(
    ("text", "is_regular"),
    [
        (b"", True),
        (b"{}\n", True),
        (b'{"a":1}\n{}\n', True),
        (b"{}\n" * 1000, True),  # far shorter lines than usual
        (b"\n" * 1000, False),
        (b"{\n", False),
        (b"}\n", False),
        (b"{}\n {}\n", False),
        (b"{} \n{}\n", False),
        (b"{}\n\n", False),
        (b"{}\n[]\n", False),
    ],
)
def test_line_ends_are_found(text: bytes, *, is_regular: bool) -> None:
    ends, found = line_ends(text)
    assert ends.tolist() == [at for at, byte in enumerate(text) if byte == ord("\n")]
    assert found is is_regular
