"""The emulated AWS APIs count as answering whatever they hold: else they would be started anew, and forget everything."""

import io
import json
import zipfile
from types import SimpleNamespace
from urllib.parse import urlsplit

import boto3
import pytest

from dataworks_assets.stack import aws_server
from dataworks_assets_tests.stack.emulation import emulated_aws


@pytest.fixture
def endpoint():
    """The APIs with a function in them, which needs what this machine has not when moto is asked for all that it holds."""
    with emulated_aws() as address:
        place = {"endpoint_url": address, "region_name": "eu-west-2", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
        role = boto3.client("iam", **place).create_role(RoleName="of-f", AssumeRolePolicyDocument=json.dumps({}))["Role"]["Arn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("f.py", "")
        functions = boto3.client("lambda", **place)
        functions.create_function(
            FunctionName="f", Runtime="python3.11", Role=role, Handler="f.f", Code={"ZipFile": code.getvalue()}
        )
        yield address
        functions.delete_function(FunctionName="f")


def test_they_answer_whatever_they_hold(endpoint):
    port = urlsplit(endpoint).port
    aws_server._check_ready(SimpleNamespace(port=lambda name: port))
