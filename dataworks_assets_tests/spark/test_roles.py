from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from dataworks_assets_tests.stack.emulation import emulated_aws, give_credentials
from spark.contract import Role, RoleChain, StoreSettings
from spark.errors import AccessError, StoreError
from spark.roles import RoleSessions
from spark.store import ObjectStore

OURS, THEIRS = "arn:aws:iam::123456789012:role/kickstart_s3_readonly", "arn:aws:iam::222222222222:role/dataworks-ksr"
CHAIN = RoleChain(
    roles=(Role(arn=OURS), Role(arn=THEIRS, external_id="dataworks")), session_name="kickstart-run-1", tags=(("run", "run-1"),)
)
START = datetime(2026, 11, 21, 5, tzinfo=UTC)


class Sts:
    """An STS that knows who may assume what, ends sessions after an hour at most, and refuses ended ones."""

    def __init__(self):
        self.now = START
        self.asked = []
        self.trusted = {OURS: None, THEIRS: OURS}
        self.external_ids = {THEIRS: "dataworks"}
        self.sessions = {}
        self.failure = None
        self.ends_on_the_way = 0
        """How often the session of the first role ends at once."""

    def connect(self, chain, region, credentials):
        return _Client(self, credentials and credentials["token"])


class _Client:
    def __init__(self, sts, token):
        self.sts, self.token = sts, token

    def assume_role(self, **asked):
        sts, arn = self.sts, asked["RoleArn"]
        sts.asked.append(asked)
        if sts.failure:
            raise sts.failure
        role, expires = sts.sessions.get(self.token, (None, sts.now))
        if role == OURS and sts.ends_on_the_way:
            sts.ends_on_the_way -= 1
            raise refusal("ExpiredToken")
        if expires < sts.now:
            raise refusal("ExpiredToken")
        if sts.trusted[arn] != role or asked.get("ExternalId") != sts.external_ids.get(arn):
            raise refusal("AccessDenied")
        token = f"session-{len(sts.asked)}"
        seconds = min(asked["DurationSeconds"], 3600) if role else asked["DurationSeconds"]
        sts.sessions[token] = (arn, sts.now + timedelta(seconds=seconds))
        given = {"AccessKeyId": "k", "SecretAccessKey": "s", "SessionToken": token, "Expiration": sts.sessions[token][1]}
        return {"Credentials": given}


def refusal(code):
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "AssumeRole")


@pytest.fixture
def sts():
    return Sts()


def sessions(sts, chain=CHAIN):
    return RoleSessions(chain, "eu-west-2", connect=sts.connect, clock=lambda: sts.now)


def test_the_chain_is_assumed_role_by_role_and_says_which_run_it_is(sts):
    given = sessions(sts)()
    assert sts.sessions[given["token"]][0] == THEIRS
    assert [(asked["RoleArn"], asked["RoleSessionName"], asked["Tags"]) for asked in sts.asked] == [
        (OURS, "kickstart-run-1", [{"Key": "run", "Value": "run-1"}]),
        (THEIRS, "kickstart-run-1", [{"Key": "run", "Value": "run-1"}]),
    ]


def test_sessions_are_renewed_before_their_hour_is_over_for_as_long_as_a_run_takes(sts):
    source = sessions(sts)
    for _ in range(180):
        given = source()
        assert sts.sessions[given["token"]][1] - sts.now >= timedelta(minutes=10)
        sts.now += timedelta(minutes=1)
    assert len(sts.asked) == 2 * 4


@pytest.mark.parametrize(
    ("change", "role", "by"),
    [
        (lambda sts: sts.trusted.update({OURS: "nobody"}), OURS, "the credentials of this process"),
        (lambda sts: sts.trusted.update({THEIRS: "nobody"}), THEIRS, OURS),
        (lambda sts: sts.external_ids.update({THEIRS: "another"}), THEIRS, OURS),
    ],
)
def test_a_role_that_cannot_be_assumed_is_one_error_with_role_call_and_remedy(sts, change, role, by):
    change(sts)
    with pytest.raises(AccessError) as caught:
        sessions(sts)()
    assert caught.value.where == role
    assert f"sts:AssumeRole by {by}: AccessDenied" in caught.value.what
    assert "trust policy" in caught.value.remedy
    assert not caught.value.transient


def test_a_chain_whose_first_session_ends_before_the_last_role_is_assumed_is_begun_anew(sts):
    sts.ends_on_the_way = 2
    assert sts.sessions[sessions(sts)()["token"]][0] == THEIRS
    assert [asked["RoleArn"] for asked in sts.asked] == [OURS, THEIRS] * 3


def test_a_chain_whose_first_session_always_ends_is_refused_by_name(sts):
    sts.ends_on_the_way = 3
    with pytest.raises(AccessError, match=f"the role cannot be assumed .sts:AssumeRole by {OURS}: ExpiredToken") as refused:
        sessions(sts)()
    assert isinstance(refused.value.__cause__, ClientError)


@pytest.mark.parametrize("failure", [refusal("Throttling"), EndpointConnectionError(endpoint_url="https://sts")])
def test_an_sts_that_is_unavailable_is_worth_a_retry(sts, failure):
    sts.failure = failure
    with pytest.raises(StoreError) as caught:
        sessions(sts)()
    assert caught.value.transient


@pytest.fixture(scope="module")
def emulation():
    with emulated_aws() as address:
        yield address


@pytest.fixture
def endpoint(emulation, monkeypatch):
    give_credentials(monkeypatch)
    return emulation


def test_an_object_of_the_other_account_is_read_by_the_roles_of_the_chain(endpoint):
    chain = RoleChain(roles=CHAIN.roles, session_name="kickstart-run-1", endpoint_url=endpoint)
    settings = StoreSettings(endpoint_url=endpoint, chain=chain)
    keys = RoleSessions(chain, "eu-west-2")()
    theirs = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-west-2",
        aws_access_key_id=keys["access_key_id"],
        aws_secret_access_key=keys["secret_access_key"],
        aws_session_token=keys["token"],
    )
    theirs.create_bucket(Bucket="partner", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    store = ObjectStore(settings)
    store.put("s3://partner/a", b"text", metadata={"iv": "x"})
    assert (store.read("s3://partner/a"), store.metadata("s3://partner/a")["iv"]) == (b"text", "x")
    assert [listed.uri for listed in store.list("s3://partner")] == ["s3://partner/a"]
    ours = boto3.client("s3", endpoint_url=endpoint, region_name="eu-west-2")
    assert "partner" not in [bucket["Name"] for bucket in ours.list_buckets()["Buckets"]]


def test_no_credential_is_part_of_what_travels_to_executors(endpoint):
    import pickle

    chain = RoleChain(roles=CHAIN.roles, session_name="kickstart-run-2", endpoint_url=endpoint)
    store = ObjectStore(StoreSettings(endpoint_url=endpoint, chain=chain))
    token = RoleSessions(chain, "eu-west-2")()["token"]
    assert token.encode() not in pickle.dumps(store)
    assert token not in repr(store)
