from bench.findings import Bar, Row, Section
from bench.report import Results, read_results, table_text, write_results

SECTION = Section(
    title="Speed",
    rows=(
        Row(measure="raw", result="4.20x", target=">= 4x", reached=True, note="quiet"),
        Row(measure="typed", result="2.10x", target=">= 3x", reached=False),
        Row(measure="shown alone", result="7 s"),
    ),
    bars=(Bar(name="this job", median=200.0, least=190.0, most=210.0, is_production=True),),
    inputs="2 files",
    seconds=12.0,
    load=(0.5, 2.0),
    measured_utc="2026-11-21 18:00",
)


def test_a_target_that_was_missed_stands_out():
    lines = table_text(Results(sections={"speed": SECTION})).splitlines()
    assert "| raw | 4.20x | >= 4x | yes | quiet |" in lines
    assert "| typed | 2.10x | >= 3x | **no** |  |" in lines
    assert "| shown alone | 7 s |  |  |  |" in lines


def test_the_machines_load_is_told():
    text = table_text(Results(sections={"speed": SECTION}))
    assert "Took 12 s until 2026-11-21 18:00 UTC; load of the machine 0.5 before, 2.0 after." in text


def test_small_sizes_are_told():
    assert "of no weight" in table_text(Results(quick=True))
    assert "of no weight" not in table_text(Results())


def test_a_section_is_kept_until_it_is_measured_again(tmp_path):
    write_results(tmp_path, Results(sections={"speed": SECTION}))
    assert read_results(tmp_path).sections == {"speed": SECTION}
    assert (tmp_path / "throughput.svg").read_text(encoding="utf-8").count("this job") >= 1
    assert (tmp_path / "README.md").exists()


def test_nothing_was_measured_where_nothing_lies(tmp_path):
    assert read_results(tmp_path).sections == {}
