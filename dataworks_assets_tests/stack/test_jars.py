"""Only the pinned jars are ever used, and the three places that pin them agree."""

from __future__ import annotations

import shutil

import pytest

from dataworks_assets.stack import jars
from dataworks_assets_tests.conftest import JARS
from spark.errors import StackError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of its own with the pinned jars."""
    folder = tmp_path_factory.mktemp("jars")
    for path in jars.ensure_jars(JARS):
        shutil.copy(path, folder)
    return folder


def names_of(artifacts):
    return {f"{artifact.name}-{artifact.version}.jar" for artifact in artifacts}


def test_every_dependency_has_a_checksum():
    assert names_of(jars.read_artifacts()) == set(jars.read_checksums())


def test_every_jar_of_the_other_metastore_has_one():
    named = names_of(jars.read_artifacts(jars.HIVE31.pom))
    pinned = jars.read_checksums(jars.HIVE31.checksums)
    assert "hive-standalone-metastore-3.1.3.jar" in named
    assert named <= pinned.keys()


def test_what_maven_alone_can_fetch_says_so_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(jars.shutil, "which", lambda _: None)
    with pytest.raises(StackError, match=r"hive31/pom.xml.*Maven is needed"):
        jars.ensure_jars(tmp_path, jars=jars.HIVE31)


def test_jars_that_are_there_are_not_fetched(folder, monkeypatch):
    monkeypatch.setattr(jars, "_commands", lambda *_: pytest.fail("fetched"))
    assert len(jars.ensure_jars(folder)) == 7


def test_a_changed_jar_is_found(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "jars")
    (copy / "hadoop-aws-3.3.4.jar").write_bytes(b"something else")
    (copy / "jmespath-java-1.12.262.jar").unlink()
    assert jars.find_faults(copy) == ["hadoop-aws-3.3.4.jar is not what was pinned", "jmespath-java-1.12.262.jar is missing"]


def test_the_second_tool_is_tried_where_the_first_fails(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(
        jars,
        "_commands",
        lambda target, _: {"Maven": ["false"], "Ivy": ["cp", *(str(path) for path in folder.iterdir()), str(target)]},
    )
    assert not jars.find_faults(jars.ensure_jars(tmp_path / "jars")[0].parent)


def test_an_error_names_every_tool_and_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(
        jars, "_commands", lambda *_: {"Maven": ["sh", "-c", "echo no route >&2; exit 1"], "Ivy": ["/no/such/java"]}
    )
    with pytest.raises(StackError, match=r"Maven: no route \| Ivy: .*no/such/java.*Maven Central"):
        jars.ensure_jars(tmp_path / "jars")


def test_nothing_half_is_left_in_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(jars, "_commands", lambda target, _: {"Maven": ["touch", str(target / "hadoop-aws-3.3.4.jar")]})
    with pytest.raises(StackError):
        jars.ensure_jars(tmp_path / "jars")
    assert list((tmp_path / "jars").iterdir()) == []
