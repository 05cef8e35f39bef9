"""An emulated EMR in memory for each test, and clients of the one that runs as a process."""

import boto3
import pytest

from dataworks_assets.stack.emr.control import EmulatedEmr
from dataworks_assets.stack.emr.life import Delays
from dataworks_assets_tests.stack.emr.memory import Clock, MemoryClient, PretendedNodes


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def nodes():
    return PretendedNodes()


@pytest.fixture
def emr(nodes, clock):
    return EmulatedEmr(nodes, delays=Delays(starting=60, bootstrapping=120, pending=5, terminating=30), clock=clock)


@pytest.fixture
def client(emr):
    return MemoryClient(emr)


@pytest.fixture(scope="module")
def emr_client(emr_stack):
    return boto3.client("emr", endpoint_url=emr_stack.emr_endpoint)


@pytest.fixture(scope="module")
def s3(emr_stack):
    return boto3.client("s3", endpoint_url=emr_stack.s3_endpoint)
