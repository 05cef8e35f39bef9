"""Artefacts: named by what is in them, uploaded once, complete for a process that has nothing else."""

from __future__ import annotations

import ast
import importlib.metadata
import io
import sys
import tarfile
import zipfile

import pytest

from dataworks_assets.engines import job_archive
from dataworks_assets.engines.emr import build, environment
from dataworks_assets.engines.emr.artefacts import current_artefacts, read_current
from dataworks_assets.engines.emr.environment import THIS_MACHINE, Environment, job_environment
from dataworks_assets.engines.job_archive import digest_of, write_job
from spark.errors import ConfigurationError, EngineError
from spark.store import ObjectStore

FOLDER = "memory://artefacts/v"
AARCH64 = bytes([183, 0])
"""The machine in the head of an ELF file."""


@pytest.fixture
def store():
    return ObjectStore.in_memory()


@pytest.fixture
def small(monkeypatch):
    """An environment of one small package."""
    made = Environment(THIS_MACHINE, {"six": job_environment(THIS_MACHINE).packages["six"]})
    monkeypatch.setattr(build, "job_environment", lambda python: made)
    return made


def test_everything_is_uploaded_once(store, small):
    said: list[str] = []
    made = build.deploy(store, FOLDER, python=THIS_MACHINE)
    assert build.deploy(store, FOLDER, python=THIS_MACHINE, say=said.append) == made
    assert [line.endswith("is there already") for line in said] == [True] * (2 + len(made.scripts)) + [False]
    assert read_current(store, FOLDER) == made


def test_another_job_is_another_version_and_leaves_the_environment(store, small, project):
    one = build.deploy(store, FOLDER, python=THIS_MACHINE)
    two = build.deploy(store, FOLDER, python=THIS_MACHINE, more=[project / "setup.py"])
    assert (one.version != two.version, one.job_uri != two.job_uri) == (True, True)
    assert one.environment_uri == two.environment_uri
    assert store.exists(one.job_uri)


def test_nothing_deployed_says_what_to_do(store):
    with pytest.raises(EngineError, match="dataworks deploy artefacts"):
        read_current(store, FOLDER)


def test_artefacts_for_other_nodes_are_refused(store, small):
    build.deploy(store, FOLDER, python=THIS_MACHINE)
    with pytest.raises(EngineError, match=r"is for nodes of this machine, and the clusters' are of x86_64.*deploy artefacts"):
        current_artefacts(store, FOLDER, python="x86_64")


def test_the_archive_of_the_job_is_the_same_for_the_same_files(tmp_path, project):
    sources = sorted((project / "spark").rglob("*.py"))
    for name in ("one", "two"):
        write_job(tmp_path / name, sources)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert "spark/jobs/runner.py" in zipfile.ZipFile(tmp_path / "one").namelist()


def test_a_changed_file_or_another_kind_of_node_changes_the_digest(tmp_path, monkeypatch):
    monkeypatch.setattr(job_archive, "PROJECT_FOLDER", tmp_path)
    monkeypatch.setattr(job_archive, "SOURCES", ())
    source = tmp_path / "a.py"
    source.write_text("1")
    before = digest_of([source], "x86_64")
    assert digest_of([source], "aarch64") != before
    source.write_text("2")
    assert digest_of([source], "x86_64") != before


def test_an_archive_without_the_library_says_how_to_have_it(tmp_path):
    with pytest.raises(ConfigurationError, match=r"is not compiled.*make setup"):
        write_job(tmp_path / "jobs.zip", [], tmp_path / "documents.so")


def test_the_library_is_compiled_for_the_nodes(store, small):
    made = build.deploy(store, FOLDER, python="aarch64")
    archive = zipfile.ZipFile(io.BytesIO(store.read(made.job_uri)))
    library = archive.read("spark/native/compiled.so")
    assert (library[:4], library[18:20]) == (b"\x7fELF", AARCH64)


def test_the_environment_holds_what_the_jobs_need_in_the_locked_versions():
    made = job_environment("x86_64")
    assert {"pyarrow", "obstore", "botocore", "dagster-pipes", "thrift"} <= set(made.packages)
    assert not {"dagster", "pyspark", "moto"} & set(made.packages)
    assert made.packages == {name: environment._locked()[name][0] for name in made.packages}


def test_another_architecture_is_another_environment():
    assert job_environment("x86_64").digest != job_environment("aarch64").digest


def test_an_archive_holds_packages_as_they_lie_in_site_packages(tmp_path, small):
    small.write(tmp_path / "e.tar")
    with tarfile.open(tmp_path / "e.tar") as archive:
        names = archive.getnames()
    assert "six.py" in names
    assert not [name for name in names if name.startswith(("/", "..")) or "__pycache__" in name]


def test_everything_that_the_jobs_import_is_in_the_environment(project):
    packages = importlib.metadata.packages_distributions()
    missing = {
        name
        for source in (project / "spark").rglob("*.py")
        for name in imported(source)
        if name not in sys.stdlib_module_names
        and name not in {"spark", "pyspark", "py4j"}
        and not {environment.normalised(each) for each in packages.get(name, ())} & set(job_environment("x86_64").packages)
    }
    assert {name for name in missing if not name.startswith("mypy_boto3")} == set()


def imported(source):
    """The top-level names that a module imports."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
