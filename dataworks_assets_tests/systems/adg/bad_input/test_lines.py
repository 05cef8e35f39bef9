"""Lines that are no document go to the quarantine, also where the day is refused; odd but sound text is read."""

import pytest

from dataworks_assets_tests.systems.adg.bad_input.judging import (
    DOUBTFUL,
    STATEMENT,
    accepted,
    holding,
    refused,
    told,
)
from dataworks_assets_tests.systems.adg.whole_path import DAY, bare, configured, document, documents
from spark.contract import Layout, Misfit

THREE = documents(3)
LINES = [record.line for record in THREE]
MARK = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()
NOT_DOCUMENTS = {
    "invalid UTF-8": (b'{"_id":{"d_oid":"x"},"a":"\xff"}', "not UTF-8: byte 26"),
    "invalid JSON": (b'{"_id":{"d_oid":"x"},', "not JSON: Input data was truncated"),
    "a raw control character": (
        b'{"_id":{"d_oid":"x"},"a":"\x01"}',
        "not JSON: JSON is malformed: invalid character (byte 26)",
    ),
    "an array": (b'[{"_id":{"d_oid":"x"}}]', "not a JSON object: Expected `object`, got `array`"),
    "a scalar": (b"12", "not a JSON object: Expected `object`, got `int`"),
    "no _id": (b'{"a":1}', "the document has no _id"),
    "a null _id": (b'{"_id":null}', "the document has no _id"),
    "nested 6,000 levels deep": (
        b'{"_id":{"d_oid":"x"},"a":' + b"[" * 6000 + b"]" * 6000 + b"}",
        "nested deeper than about 4800 levels",
    ),
}


@pytest.mark.parametrize(("line", "reason"), NOT_DOCUMENTS.values(), ids=NOT_DOCUMENTS.keys())
def test_a_line_that_is_no_document_refuses_the_day_and_stays_in_the_quarantine(world, line, reason):
    file = world.write(STATEMENT, DAY, [*documents(2), bare(line), *documents(1, first=2)])
    outcome = refused(world)
    finding = outcome.finding(DOUBTFUL)
    assert (finding.check, finding.object, finding.place) == ("quarantine", world.data_uri(file), "line 3")
    assert finding.cause == f"1 of 4 documents could not be decoded (line 3: {reason}); 0.00% are allowed"
    assert "dataworks quarantine core/statement --partition 2026-11-20" in finding.remedy
    assert told(outcome, finding)
    assert world.quarantine(DOUBTFUL) == [{"file": world.data_uri(file), "line": 3, "reason": reason, "raw": line}]


@pytest.mark.parametrize(("line", "reason"), NOT_DOCUMENTS.values(), ids=NOT_DOCUMENTS.keys())
def test_within_the_allowed_share_the_day_is_published_and_the_line_quarantined(world, line, reason):
    world.collections = [configured(STATEMENT, quarantine_share=0.25), *world.collections[1:]]
    world.write(STATEMENT, DAY, [*documents(2), bare(line), *documents(1, first=2)])
    accepted(world)
    assert world.ids(DOUBTFUL) == ["s0", "s1", "s2"]
    assert [(row["line"], row["raw"]) for row in world.quarantine(DOUBTFUL)] == [(3, line)]


def test_a_day_that_is_exported_well_again_leaves_nothing_in_the_quarantine(world):
    world.write(STATEMENT, DAY, [*documents(2), bare(b"12")])
    world.run()
    world.write(STATEMENT, DAY, documents(3))
    accepted(world)
    assert world.quarantine(DOUBTFUL) == []


def test_all_bad_lines_of_many_files_are_kept(world):
    for batch in range(1, 6):
        world.write(
            STATEMENT, DAY, [*documents(5, first=batch * 10), *(bare(b"%d" % number) for number in range(batch))], batch=batch
        )
    finding = refused(world).finding(DOUBTFUL)
    assert (finding.place, finding.cause) == (
        "line 6 and 4 more of its 10 lines",
        "15 of 40 documents could not be decoded (line 6: not a JSON object: Expected `object`, got `int`); 0.00% are allowed",
    )
    assert len(world.quarantine(DOUBTFUL)) == 15


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (b"\n".join(LINES), "1 file read whole; the last line has no line feed"),
        (b"\r\n".join(LINES) + b"\r\n", "1 file read whole"),
        (MARK + b"\n".join(LINES) + b"\n", "1 file read whole"),
        (LINES[0] + b"\n\n \t\n" + LINES[1] + b"\n" + LINES[2] + b"\n\n", "1 file read whole"),
    ],
    ids=["no line feed at the end", "CRLF", "a byte-order mark", "empty lines"],
)
def test_odd_line_ends_marks_and_blank_lines_are_no_fault_and_not_part_of_the_text(world, text, note):
    world.put(holding(text, THREE))
    outcome = accepted(world)
    assert world.table(DOUBTFUL)["record"].to_pylist() == [line.decode() for line in LINES]
    assert [each.cause for each in outcome.findings(DOUBTFUL, passed=True) if each.check == "read"] == [note]


def test_lines_end_at_line_feeds_alone(world):
    odd = document("s0", text="a\N{LINE SEPARATOR}b\N{PARAGRAPH SEPARATOR}c\N{NEXT LINE}d")
    world.write(STATEMENT, DAY, [odd])
    accepted(world)
    assert world.table(DOUBTFUL)["record"].to_pylist() == [odd.line.decode()]


def test_a_line_number_counts_blank_lines_too(world):
    world.put(holding(b"\n\n" + LINES[0] + b"\n12\n", [THREE[0], bare(b"12")]))
    assert refused(world).finding(DOUBTFUL).place == "line 4"


def nested(levels):
    value = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize("layout", [Layout.RAW, Layout.TYPED])
def test_500_levels_of_nesting_are_published(world, layout):
    columns = [{"name": "other", "type": "string"}] if layout is Layout.TYPED else []
    world.collections = [configured(STATEMENT, layout=layout, columns=columns), *world.collections[1:]]
    deep = document("s0", deep=nested(500), other="x")
    world.write(STATEMENT, DAY, [deep])
    accepted(world)
    assert world.table(DOUBTFUL)["record"].to_pylist() == [deep.line.decode()]


def typed(misfit):
    columns = [{"name": "amount", "type": "bigint"}]
    return configured(STATEMENT, layout=Layout.TYPED, columns=columns, misfit=misfit)


def test_a_field_whose_type_changes_is_null_and_an_error_of_its_row(world):
    world.collections = [typed(Misfit.NULL), *world.collections[1:]]
    world.write(STATEMENT, DAY, [document("s0", amount=1), document("s1", amount="many"), document("s2", amount={"value": 1})])
    accepted(world)
    table = world.table(DOUBTFUL)
    assert table["amount"].to_pylist() == [1, None, None]
    assert [entries and len(entries) for entries in table["_errors"].to_pylist()] == [None, 1, 1]
    assert '"amount":"many"' in table["record"].to_pylist()[1]


def test_a_field_whose_type_changes_refuses_its_row_where_configured_so(world):
    world.collections = [typed(Misfit.REFUSE), *world.collections[1:]]
    changed = document("s1", amount="many")
    file = world.write(STATEMENT, DAY, [document("s0", amount=1), changed])
    finding = refused(world).finding(DOUBTFUL)
    assert (finding.check, finding.object, finding.place) == ("quarantine", world.data_uri(file), "line 2")
    assert "(line 2: amount does not fit its type)" in finding.cause
    [row] = world.quarantine(DOUBTFUL)
    assert row["raw"] == changed.line
    assert row["reason"].startswith("amount")


def test_what_is_told_of_a_bad_line_holds_nothing_of_its_text(world):
    world.collections = [typed(Misfit.REFUSE), *world.collections[1:]]
    world.write(STATEMENT, DAY, [document("s0", amount="canary-7f3a"), bare(b'{"_id":"canary-7f3a",')])
    outcome = refused(world)
    said = [*outcome.events.lines, *(failed.cause for failed in outcome.failures), str(outcome.check(DOUBTFUL))]
    kept = [world.store.read(uri) for uri in world.objects("memory://output/_dataworks")]
    assert not any("canary-7f3a" in text for text in said)
    assert not any(b"canary-7f3a" in body for body in kept)
