"""What later clusters begin with: environments that earlier ones finished, in the versions that they name, on the disk once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dataworks_assets.stack.emr.images import Images


@pytest.fixture
def images(tmp_path):
    return Images(tmp_path / "images")


@pytest.fixture
def made(tmp_path):
    """Makes a version on a node as its bootstrap action does; `finished` or not."""

    def make(version, *, finished=True):
        folder = tmp_path / "node" / version
        (folder / "lib").mkdir(parents=True)
        (folder / "lib" / "module.py").write_text(version)
        (folder / "python").symlink_to("/usr/bin/python3.11")
        if finished:
            (folder / ".ready").touch()
        return tmp_path / "node"

    return make


def test_a_later_node_begins_with_what_an_earlier_one_finished(images, made, tmp_path):
    images.keep(["v1"], made("v1"))
    images.give(["v1"], tmp_path / "later")
    assert (tmp_path / "later" / "v1" / ".ready").exists()
    assert (tmp_path / "later" / "v1" / "python").readlink() == Path("/usr/bin/python3.11")


def test_its_files_are_on_the_disk_once_and_outlive_the_node(images, made, tmp_path):
    node = made("v1")
    images.keep(["v1"], node)
    images.give(["v1"], tmp_path / "later")
    module = tmp_path / "later" / "v1" / "lib" / "module.py"
    assert module.samefile(node / "v1" / "lib" / "module.py")
    (node / "v1" / "lib" / "module.py").unlink()
    assert module.read_text() == "v1"


def test_what_a_later_node_adds_is_its_own(images, made, tmp_path):
    images.keep(["v1"], made("v1"))
    for name in ("later", "latest"):
        images.give(["v1"], tmp_path / name)
        assert not (tmp_path / name / "v1" / "lib" / "added.py").exists()
        (tmp_path / name / "v1" / "lib" / "added.py").touch()


def test_an_unfinished_environment_is_not_kept(images, made, tmp_path):
    images.keep(["v1"], made("v1", finished=False))
    images.give(["v1"], tmp_path / "later")
    assert not (tmp_path / "later").exists()


def test_a_node_gets_no_version_that_it_does_not_name(images, made, tmp_path):
    images.keep(["v1", "v2"], made("v1"))
    images.give(["v2"], tmp_path / "later")
    assert not (tmp_path / "later").exists()


def test_versions_that_nobody_used_for_long_make_room(images, made):
    for age, version in enumerate(["v1", "v2", "v3"]):
        images.keep([version], made(version))
        os.utime(images.folder / version, (age, age))
    images.keep(["v4"], made("v4"))
    assert sorted(each.name for each in images.folder.iterdir()) == ["v3", "v4"]
