"""The compiled reader: what it reads, what it leaves to others, and that it can be had wherever jobs run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dataworks_assets.engines.job_archive import job_sources, write_job
from spark.decode.types import parse_type
from spark.errors import ConfigurationError
from spark.native.columns import ANY, RAW, DocumentReader, Form
from spark.native.compiling import compile_library

SAMPLE = {
    "string": ['"x"', '""', '"\\u00e9\\n\\ud83d\\ude00"', "1.50", "[1, 2]"],
    "boolean": ["true", "false"],
    "bigint": ["0", "-7", "999999999999999999", "1.00"],
    "double": ["1", "-0.5", "0.1234567890123456789", "1e-300", "-0"],
    "decimal(5,2)": ["1", "-123.45", '"0.5"', "1.500"],
    "timestamp": ['"2019-07-04T07:27:35.104Z"', '{ "d_date" : "1582-10-04" }', '"9999-12-31T23:59:59.999999000+00:30"'],
    "date": ['"2020-02-29"', '{"d_date":"0001-01-01T00:00:00Z"}'],
    "array<bigint>": ["[]", "[1,null,2]"],
    "map<string,bigint>": ["{}", '{"a":1,"\\u0062":null}'],
    "struct<a:string,b:array<date>>": ["{}", '{"b":["2020-01-01"],"z":[{}],"a":"x"}'],
}
EXPECTED: dict[str, list[Any]] = {
    "string": ["x", "", "é\n\U0001f600", "1.50", "[1, 2]"],
    "boolean": [True, False],
    "bigint": [0, -7, 999999999999999999, 1],
    "double": [1.0, -0.5, 0.1234567890123456789, 1e-300, -0.0],
    "decimal(5,2)": ["1.00", "-123.45", "0.50", "1.50"],
    "timestamp": [1562225255104000, -12220243200000000, 253402298999999999],
    "date": [18321, -719162],
    "array<bigint>": [[], [1, None, 2]],
    "map<string,bigint>": [[], [("a", 1), ("b", None)]],
    "struct<a:string,b:array<date>>": [{"a": None, "b": None}, {"a": "x", "b": [18262]}],
}
LEFT = {
    "boolean": ["1", '"true"'],
    "bigint": ["1000000000000000000", "1e3", "1.5", '"1"', "true"],
    "double": ["9007199254740992", "1e999", "12345678901234567890", '"1"'],
    "decimal(5,2)": ["1234", "1.255", "1e1", '"1', '" 1"', "true"],
    "timestamp": ['"2019-02-29"', '"0000-01-01"', '"2019-07-04T07:27:35.1234567Z"', '{"d_date":"2019-07-04","x":1}', "1"],
    "date": ['"2019-07-04T00:00:01Z"'],
    "array<bigint>": ["{}", "[[1]]"],
    "map<string,bigint>": ['{"a":1,"a":2}', "[]"],
    "struct<a:string,b:array<date>>": ["[]", '{"b":{}}'],
}


def read(values: list[str], *types: str) -> Any:
    names = [f"v{number}" for number in range(len(types))]
    fields = [", ".join(f'"{name}": {value}' for name in names) for value in values]
    text = "".join(f'{{"_":{{"v0":[]}}, {each} }}\n' for each in fields)
    reader = DocumentReader({name: number for number, name in enumerate(names)}, [parse_type(each) for each in types])
    return reader.lines(text.encode(), len(values))


@pytest.mark.parametrize("type_text", SAMPLE)
def test_values_that_fit_are_read(type_text: str) -> None:
    found = read([*SAMPLE[type_text], "null"], type_text)
    (array,) = found.arrays
    array.validate(full=True)
    data_type = parse_type(type_text)
    expected: Any = EXPECTED[type_text]
    if pa.types.is_decimal(data_type):
        expected = pa.array(expected).cast(data_type).to_pylist()
    assert array.equals(pa.array([*expected, None], data_type))
    assert str(array.to_pylist()) == str(pa.array([*expected, None], data_type).to_pylist())  # -0.0 is not 0.0
    assert not found.odd
    assert not len(found.unfit[0])


@pytest.mark.parametrize(("type_text", "value"), [(name, value) for name, values in LEFT.items() for value in values])
def test_a_value_that_may_not_fit_is_left_with_its_row_alone(type_text: str, value: str) -> None:
    found = read([SAMPLE[type_text][0], value, "null"], type_text, "string")
    if found.odd:  # no JSON at all
        assert found.odd == 1
    assert found.unfit[0].tolist() == [1]
    assert found.unfit[1].tolist() == ([1] if found.odd else [])
    assert len(found.arrays[0]) == 3


@pytest.mark.parametrize(
    "document",
    [
        "", "{", "[]", "{} {}", '{"a":}', '{"a":1,}', '{"a" 1}', '{"a":01}', '{"a":1.}', '{"a":.5}', '{"a":+1}', '{"a":NaN}',
        '{"a":nul}', '{"a":"\t"}', '{"a":"\\x"}', '{"a":"\\u12g4"}', '{"a":"\\ud800"}', '{"a":"\\udc00"}',
        '{"a":"\\ud800\\u0041"}', '{"a":1,"a":2}', '{"x":[}', '{"x":{"y":[1,2}}', '{"x":"', '{"x":"\\', '{"a":1}x',
        '{"x":' + "[" * 600 + "]" * 600 + "}",
    ],
)  # fmt: skip
def test_an_odd_document_is_left_with_all_its_wants_and_spoils_no_other(document: str) -> None:
    reader = DocumentReader({"a": 0, "m": {"b": 1}}, [parse_type("array<string>"), RAW])
    text = f'{{"a":["x"],"m":{{"b":1}}}}\n{document}\n{{"a":["y","z"],"m":{{"b":[2]}}}}\n'.encode()
    found = reader.lines(text, 3)
    assert found is not None
    assert (found.odd, [each.tolist() for each in found.unfit]) == (1, [[1], [1]])
    assert [array.to_pylist()[::2] for array in found.arrays] == [[["x"], ["y", "z"]], [b"1", b"[2]"]]
    for array in found.arrays:
        array.validate(full=True)


def test_a_key_with_escapes_is_the_key_that_it_means() -> None:
    found = DocumentReader({"é": 0}, [RAW]).lines(b'{"\\u00e9":1}\n', 1)
    assert found is not None
    assert found.arrays[0].to_pylist() == [b"1"]


def test_lines_that_are_counted_wrong_are_told() -> None:
    reader = DocumentReader({"a": 0}, [RAW])
    assert reader.lines(b"{}\n{}\n", 1) is None
    assert reader.lines(b"{}\n", 2) is None
    assert reader.lines(b"{}", 1) is None


def test_many_columns_and_rows() -> None:
    names = [f"column_{number}" for number in range(700)]
    reader = DocumentReader({name: number for number, name in enumerate(names)}, [parse_type("bigint")] * 700)
    line = "{" + ",".join(f'"{name}":{number}' for number, name in enumerate(reversed(names))) + "}\n"
    found = reader.lines(line.encode() * 1000, 1000)
    assert found is not None
    assert [array.to_pylist() for array in found.arrays] == [[699 - number] * 1000 for number in range(700)]


def test_elements_between_commas_may_lie_on_many_lines() -> None:
    reader = DocumentReader({"a": 0, "b": 1}, [RAW, RAW])
    assert reader.elements(b'\n{"a": [1,\n 2]},\n{\n"b" : null } ') == (
        2,
        [pa.array([b"[1,\n 2]", None]), pa.array([None, None], RAW)],
    )


def test_any_value_is_read_with_what_it_is() -> None:
    texts = ['"x\\n"', "true", "false", "0", "-12", "-0", "1.0", "1e3", "[1, 2]", '{"a" :1}', "null"]
    read = DocumentReader({"a": 0}, [ANY]).elements(",".join(f'{{"a": {text} }}' for text in texts).encode())
    assert read is not None
    count, (values,) = read
    values.validate(full=True)
    forms = [Form.STRING, *[Form.BOOLEAN] * 2, *[Form.INTEGER] * 2, *[Form.NUMBER] * 3, *[Form.NESTED] * 2]
    expected = [{"text": text, "form": int(form)} for text, form in zip(["x\n", *texts[1:]], forms, strict=False)]
    assert (count, values.to_pylist()) == (len(texts), [*expected, None])


@pytest.mark.parametrize(
    "text", [b"", b",", b"{},", b",{}", b"{}{}", b"1", b'{"c":1}', b'{"a":1,"a":1}', b'{"a":"\\ud800"}', b"{},{"]
)
def test_elements_of_which_one_is_odd_are_left(text: bytes) -> None:
    assert DocumentReader({"a": 0}, [RAW]).elements(text) is None


def test_the_library_is_loaded_out_of_the_jobs_archive(tmp_path: Path) -> None:
    write_job(tmp_path / "jobs.zip", job_sources())
    program = "import spark; from spark.native.library import library; library(); print(spark.__file__)"
    command = [sys.executable, "-c", program]
    environment = {"PYTHONPATH": str(tmp_path / "jobs.zip"), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(tmp_path / "jobs.zip"))


def test_a_machine_that_it_cannot_be_compiled_for_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"does not compile for vax-linux-gnu.*make setup"):
        compile_library(tmp_path / "documents.so", machine="vax")


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_damaged_texts_are_never_read_past_their_end(tmp_path: Path) -> None:
    """100,000 texts damaged at random, each before a page that may not be touched; arithmetic faults end the process too."""
    command = [sys.executable, "-m", "dataworks_assets_tests.spark.native.damage", str(tmp_path / "documents.so"), "100000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("100000 texts read")
