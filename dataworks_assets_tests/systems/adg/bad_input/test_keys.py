"""The key service down, refusing or slow: tried again with back-off, then one error; a refusal is final."""

import base64
from dataclasses import replace

import pytest

from dataworks_assets.stack.key_service import Faults
from dataworks_assets.stack.sample.wire import encode_file
from dataworks_assets_tests.stack.key_server import serve
from dataworks_assets_tests.systems.adg.bad_input.judging import CLAIMANT, DOUBTFUL, STATEMENT, WELL, accepted, refused, told
from dataworks_assets_tests.systems.adg.whole_path import World, documents
from spark.contract import KeyServiceSettings, PartitionState
from spark.sources.keys import KeyService
from spark.sources.names import ObjectName


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("key-service")) as server:
        yield server


@pytest.fixture
def server(running):
    running.faults, running.calls = Faults(), 0
    yield running
    running.faults = Faults()


def client(server, *, timeout_seconds=30.0):
    """A client that tries twice."""
    certificates = server.certificates
    return KeyService(
        KeyServiceSettings(
            url=server.url,
            ca_path=str(certificates.ca),
            certificate_path=str(certificates.client),
            private_key_path=str(certificates.client_key),
            timeout_seconds=timeout_seconds,
            attempts=2,
        ),
        correlation_id="c",
    )


@pytest.fixture
def world(server):
    """Three files of one key, two of the doubtful collection; the service is asked afresh."""
    world = World(keys=client(server))
    key = world.keys.new_key()
    for topic, first, batch in ((STATEMENT, 0, 1), (STATEMENT, 10, 2), (CLAIMANT, 100, 1)):
        world.put(encode_file(ObjectName(topic, 0, 256, batch), documents(2, first=first), key))
    world.keys.calls = server.calls = 0
    return world


def test_the_service_is_asked_once_for_all_files_of_a_key(world, server):
    accepted(world)
    assert server.calls == 1


def test_a_service_that_comes_back_is_asked_again(world, server):
    server.faults = Faults(unavailable=1)
    accepted(world)
    assert server.calls == 2


@pytest.mark.parametrize(
    ("faults", "cause"),
    [
        (Faults(unavailable=100), "the key service answered 503, for 2 files of this day"),
        (Faults(unavailable=100, status=429), "the key service answered 429, for 2 files of this day"),
        (Faults(unavailable=100, status=403), "the key service answered 403, for 2 files of this day"),
        (Faults(slow_seconds=0.5), "the key service did not answer within 0.1 s, for 2 files of this day"),
    ],
    ids=["down", "throttling", "forbidding", "slow"],
)
def test_a_service_that_stays_away_is_one_error_of_each_day_and_no_fault_of_the_data(world, server, faults, cause):
    server.faults = faults
    if faults.slow_seconds:
        world.keys = client(server, timeout_seconds=0.1)
    outcome = world.run()
    finding = outcome.finding(DOUBTFUL)
    assert (finding.check, finding.place, finding.cause) == ("read", f"key service {server.url}", cause)
    assert finding.remedy
    assert [failed.lies_in_data for failed in outcome.failures] == [False, False]
    assert world.keys.calls == (1 if faults.status == 403 else 2)
    assert told(outcome, finding)


def test_a_plain_retry_publishes_once_the_service_is_well(world, server):
    server.faults = Faults(unavailable=100)
    world.run()
    server.faults = Faults()
    world.run()
    assert (world.ids(DOUBTFUL), world.ids(WELL)) == (["s0", "s1", "s10", "s11"], ["s100", "s101"])


def test_a_slow_answer_within_the_time_out_is_waited_for(world, server):
    server.faults = Faults(slow_seconds=0.05)
    accepted(world)


def test_a_refused_key_is_final_and_costs_only_its_own_files(world, server):
    file = encode_file(ObjectName(STATEMENT, 0, 256, 3), documents(2, first=20), world.keys.new_key())
    unknown = base64.b64encode(b"no key of this service").decode()
    file = replace(file, metadata=file.metadata | {"ciphertext": unknown})
    world.put(file)
    server.calls = 0
    outcome = refused(world, state=PartitionState.REFUSED)
    finding = outcome.finding(DOUBTFUL)
    assert (finding.object, finding.cause) == (world.data_uri(file), "the key service cannot decrypt this data key (400)")
    assert "ciphertext and key id metadata" in finding.remedy
    assert server.calls == 2
    assert told(outcome, finding)
