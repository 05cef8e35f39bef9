"""The bootstrap scripts, run as a node runs them; only AWS, `sudo` and the instance's own address are pretended."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "spark" / "bootstrap"
SECRET = {"ca": "the authority\n", "certificate": "the certificate\n", "private_key": "canary-private-key\n"}
INSTANCE = "i-0123456789abcdef0"


@pytest.fixture
def node(tmp_path):
    """Runs a script with programs of its own before the machine's; `aws` answers with `answer` and notes its calls."""
    programs = tmp_path / "bin"
    programs.mkdir()

    def program(name: str, text: str) -> None:
        (programs / name).write_text(f"#!/bin/bash\n{text}\n")
        (programs / name).chmod(0o755)

    program("sudo", 'exec "$@"')
    # Without the users of a node: they are not here.
    program("install", 'exec /usr/bin/install $(for each; do echo "$each"; done | sed "/^-[og]$/,+1d")')

    def run(script: str, *arguments: str, answer: str = "", code: int = 0, **variables: str):
        (tmp_path / "answer").write_text(answer)
        target = 'for target; do :; done; [ "$1" = s3 ] || target=/dev/stdout'
        program("aws", f'echo "$@" >> {tmp_path}/calls; {target}; cat {tmp_path}/answer > "$target"; exit {code}')
        return subprocess.run(
            ["bash", str(SCRIPTS / script), *arguments],
            env={"PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(tmp_path), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    return run


@pytest.fixture
def paths(tmp_path):
    return [tmp_path / "pki" / name for name in ("ca.pem", "client.pem", "client.key")]


def place(node, paths, answer, **options):
    return node("certificates.sh", "dks-client", *map(str, paths), answer=answer, **options)


def test_certificates_are_put_where_the_job_looks_for_them(node, paths):
    done = place(node, paths, json.dumps(SECRET))
    assert done.returncode == 0, done.stderr
    assert [path.read_text() for path in paths] == list(SECRET.values())
    assert [oct(path.stat().st_mode & 0o777) for path in paths] == ["0o644", "0o644", "0o640"]


def test_a_secret_stands_in_no_log_and_in_no_file_but_its_own(node, paths, tmp_path):
    done = place(node, paths, json.dumps(SECRET))
    (tmp_path / "answer").unlink()
    assert "canary" not in done.stdout + done.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file() and "canary" in path.read_text()] == [paths[2]]


@pytest.mark.parametrize(
    ("answer", "words"),
    [("no json", "no JSON object"), ("[]", "no JSON object"), (json.dumps({"ca": "x"}), "no certificate and no private_key")],
)
def test_a_secret_of_another_shape_fails_the_cluster_and_says_why(node, paths, answer, words):
    done = place(node, paths, answer)
    assert done.returncode != 0
    assert words in done.stderr
    assert not paths[0].exists()


def test_a_secret_that_may_not_be_read_fails_the_cluster(node, paths):
    assert place(node, paths, "", code=254).returncode == 254


class Metadata(BaseHTTPRequestHandler):
    """What an instance can ask about itself, with a token."""

    def do_PUT(self):
        self._answer("the-token")

    def do_GET(self):
        known = self.headers.get("X-aws-ec2-metadata-token") == "the-token"
        self._answer(INSTANCE if known else "")

    def _answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def metadata():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.mark.parametrize("role", ["MASTER", "Core", "task"])
def test_an_instance_is_named_by_service_role_and_eight_digits(node, metadata, tmp_path, role):
    (tmp_path / "extraInstanceData.json").write_text(json.dumps({"instanceRole": role}))
    done = node("name.sh", "dataworks-aws", DATAWORKS_NODE_INFO=str(tmp_path), DATAWORKS_NODE_METADATA=metadata)
    assert done.returncode == 0
    (call,) = (tmp_path / "calls").read_text().splitlines()
    name = call.rpartition("Value=")[2]
    assert call.startswith(f"ec2 create-tags --resources {INSTANCE} --tags Key=Name,")
    assert name.startswith(f"dataworks-aws-{role.lower()}-")
    assert len(name.rpartition("-")[2]) == 8


def test_an_instance_that_cannot_be_named_works_all_the_same(node, metadata, tmp_path):
    done = node("name.sh", "dataworks", code=255, DATAWORKS_NODE_INFO=str(tmp_path), DATAWORKS_NODE_METADATA=metadata)
    assert (done.returncode, "could not be renamed" in done.stderr) == (0, True)


def exporters(node, tmp_path, *uris, **options):
    folders = {"DATAWORKS_NODE_FOLDER": str(tmp_path / "opt"), "DATAWORKS_NODE_UNITS": str(tmp_path / "units")}
    return node("exporters.sh", *uris, **folders, **options)


def test_a_node_on_which_the_node_exporter_does_not_start_works_all_the_same(node, tmp_path):
    (tmp_path / "bin" / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin" / "systemctl").chmod(0o755)
    done = exporters(node, tmp_path, "s3://b/agent", "s3://b/node")
    assert (done.returncode, "could not be started" in done.stderr) == (0, True), done.stderr


def test_a_node_without_the_agent_that_its_daemons_name_fails_the_cluster(node, tmp_path):
    assert exporters(node, tmp_path, "s3://b/agent", code=1).returncode == 1


@pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.glob("*.sh")))
def test_every_script_is_sound_bash(script):
    subprocess.run(["bash", "-n", str(SCRIPTS / script)], check=True)
