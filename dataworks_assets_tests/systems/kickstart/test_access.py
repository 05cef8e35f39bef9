"""The way to the partner's bucket through a gate that checks trust and expiry: sessions that end, and every kind of refusal."""

from __future__ import annotations

import itertools
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.engines.session import SessionEngine
from dataworks_assets.stack.partner import BUCKET, provision_partner
from dataworks_assets.stack.sample.wire import FIXED_KEY, encrypt, encryption_metadata
from dataworks_assets_tests.engines.work import ThreadedKickstart
from dataworks_assets_tests.stack.emulation import emulated_aws, give_credentials
from dataworks_assets_tests.stack.gate import Gate, Trust, open_gate
from dataworks_assets_tests.systems.adg.whole_path import Events
from dataworks_assets_tests.systems.kickstart.on_stack import Delivery
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, CLAIMS, DAY, IV, World, days_from
from spark.errors import AccessError
from spark.store import ObjectStore

OURS, THEIRS = "arn:aws:iam::123456789012:role/kickstart_s3_readonly", "arn:aws:iam::222222222222:role/dataworks-ksr"
ROLES = [{"arn": OURS}, {"arn": THEIRS, "external_id": "dataworks"}]
ROWS = 40_000


@pytest.fixture(scope="module")
def emulation() -> Iterator[str]:
    """S3 and STS that check nothing, with the partner's bucket."""
    with emulated_aws() as address:
        provision_partner(address)
        yield address


def gate_before(emulation: str) -> Gate:
    return Gate(emulation, {OURS: Trust(None), THEIRS: Trust(OURS, "dataworks")}, reader=THEIRS)


@dataclass
class Guarded:
    """A deployment in memory whose partner stands behind a gate."""

    gate: Gate
    address: str
    prefix: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def world(self, address: str = "", run_id: str = "run-1") -> World:
        """The deployment as a run sees it, or over another address than the gate's."""
        fields = {
            "scheme": "s3",
            "bucket": BUCKET,
            "endpoint": address or self.address,
            "roles": ROLES,
            "prefix": f"{self.prefix}/{{module}}/{{export_date}}",
        }
        world = World(kickstart_fields=fields)
        world.source = ObjectStore(world.scope.source.store_settings(run_id=run_id))
        return world

    @property
    def partner(self) -> World:
        """The partner's side, which no gate is before."""
        return self.world(self.gate.upstream, "partner")


@pytest.fixture
def guarded(emulation: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    give_credentials(monkeypatch)
    gate = gate_before(emulation)
    with open_gate(gate) as address:
        yield Guarded(gate, address)


def test_the_second_role_is_assumed_by_the_first_ones_session_for_an_hour_at_most_and_says_which_run_it_is(guarded):
    guarded.partner.csv("id,title\n1,Baker\n")
    assert guarded.world(run_id="run-77").run(ADVERTS).failures == ()
    told = {"dataworks-run": "run-77", "dataworks-system": "kickstart"}
    assert [(each.role, each.by, each.name, each.tags) for each in guarded.gate.sessions] == [
        (OURS, None, "kickstart-run-77", told),
        (THEIRS, OURS, "kickstart-run-77", told),
    ]
    assert all(each.seconds <= 3600 for each in guarded.gate.sessions)
    assert {each.session.role for each in guarded.gate.passed} == {THEIRS}


def write_adverts(world: World, day: date = DAY) -> None:
    world.csv("id,title\n" + "".join(f"{number},{'x' * 120}\n" for number in range(ROWS)), day)


def write_claims(world: World, day: date = DAY) -> None:
    rows = [{"id": f"c-{number}", "note": "y" * 100} for number in range(ROWS)]
    text = json.dumps({"fields": [{"fieldName": name, "pii": True} for name in rows[0]], "data": rows}).encode()
    world.source.put(
        world.uri(CLAIMS, day), encrypt(text, FIXED_KEY.plaintext, IV), metadata=encryption_metadata(FIXED_KEY, IV)
    )


def cut_once(gate: Gate) -> list[str]:
    """In the middle of a body that is read for its rows every session ends, and the connection with it; once.

    The first body is that of the look, which leaves most of it, and whose connection may go on sending for a while. The first
    chunk of the second one has been read by then.
    """
    cut: list[str] = []
    begun: list[int] = []

    def on_body(path: str, sent_bytes: int) -> bool:
        if not sent_bytes and path.endswith((".csv", ".json")):
            begun.append(threading.get_ident())
        if cut or sent_bytes < 4_500_000 or begun[1:2] != [threading.get_ident()]:
            return True
        cut.append(path)
        gate.end_sessions()
        return False

    gate.on_body = on_body
    return cut


@pytest.mark.parametrize(
    "life", [None, pytest.param(timedelta(seconds=60), marks=pytest.mark.faults)], ids=["before its time", "as it was told"]
)
@pytest.mark.parametrize(("name", "write"), [(ADVERTS, write_adverts), (CLAIMS, write_claims)])
def test_a_session_that_ends_in_mid_file_loses_and_doubles_no_row(guarded, name, write, life):
    write(guarded.partner)
    guarded.gate.life = life
    cut = cut_once(guarded.gate)
    world = guarded.world()
    assert world.run(name).failures == ()
    assert len(cut) == 1
    ids = [row["id"] for row in world.rows(name)]
    assert len(ids) == ROWS
    assert set(ids) == {number if name == ADVERTS else f"c-{number}" for number in range(ROWS)}
    assert any(passed.range for passed in guarded.gate.passed)
    assert (guarded.gate.answers != []) is (life is None)


def test_sessions_that_end_with_every_file_are_renewed_for_the_next(guarded):
    days = days_from(3)
    for day in days:
        guarded.partner.csv(f"id,title\n{day.day},Baker\n", day)

    def end(path: str, _sent_bytes: int) -> bool:
        if path.endswith(".csv"):
            guarded.gate.end_sessions()
        return True

    guarded.gate.on_body = end
    world = guarded.world()
    world.cores = 1
    assert world.run(ADVERTS, days=days).failures == ()
    assert [world.rows(ADVERTS, day)[0]["id"] for day in days] == [day.day for day in days]
    assert set(guarded.gate.answers) == {"ExpiredToken"}


@pytest.mark.parametrize(
    "ask",
    [
        lambda store, uri: store.metadata(uri)["ciphertext"] == FIXED_KEY.ciphertext,
        lambda store, uri: store.exists(uri),
        lambda store, uri: bool(store.read(uri)),
        lambda store, uri: bool(b"".join(map(bytes, store.stream(uri)))),
        lambda store, uri: [listed.uri for listed in store.list(uri.rpartition("/")[0])] == [uri],
    ],
    ids=["metadata", "exists", "read", "stream", "list"],
)
def test_a_call_whose_session_has_ended_is_made_with_another(guarded, ask):
    uri = guarded.partner.json([{"id": "c-1"}])
    store = guarded.world().source
    assert ask(store, uri)
    guarded.gate.end_sessions()
    assert ask(store, uri)
    assert guarded.gate.answers == ["ExpiredToken"]


@pytest.mark.parametrize(
    ("trusts", "role", "by"),
    [
        ({OURS: Trust("nobody"), THEIRS: Trust(OURS, "dataworks")}, OURS, "the credentials of this process"),
        ({OURS: Trust(None), THEIRS: Trust("nobody", "dataworks")}, THEIRS, OURS),
        ({OURS: Trust(None), THEIRS: Trust(OURS, "another")}, THEIRS, OURS),
    ],
    ids=["we are not trusted", "our role is not trusted", "another external id"],
)
def test_a_role_that_cannot_be_assumed_ends_the_run_before_anything_is_done(guarded, trusts, role, by):
    guarded.partner.csv("id,title\n1,Baker\n")
    guarded.gate.trusts = trusts
    world = guarded.world()
    outcome = world.run(ADVERTS)
    assert isinstance(outcome.error, AccessError)
    assert (outcome.error.where, outcome.failures, outcome.events.checks) == (role, (), [])
    assert f"(sts:AssumeRole by {by}: AccessDenied)" in outcome.error.what
    assert "trust policy" in outcome.error.remedy


def test_a_bucket_that_refuses_to_be_listed_is_no_missing_day(guarded):
    guarded.gate.refused = lambda path: True
    outcome = guarded.world().run(ADVERTS)
    assert isinstance(outcome.error, AccessError)
    assert (outcome.error.what, outcome.failures) == (f"access refused to the role {THEIRS}", ())
    assert "s3:ListBucket" in outcome.error.remedy


def refuse_files(gate: Gate) -> None:
    gate.refused = lambda path: path.endswith(".csv")


def forget_sessions(gate: Gate) -> None:
    """Once the listing is through, sessions are not known any more, as if they had been revoked."""
    gate.on_body = lambda _path, _sent_bytes: gate.sessions.clear() or True


@pytest.mark.parametrize("refuse", [refuse_files, forget_sessions])
def test_a_file_that_is_refused_to_a_task_is_its_days_failure_and_names_role_and_remedy(guarded, refuse):
    uri = guarded.partner.csv("id,title\n1,Baker\n")
    refuse(guarded.gate)
    world = guarded.world()
    outcome = world.run(ADVERTS)
    finding = outcome.finding(ADVERTS)
    assert (finding.check, finding.object, finding.cause) == ("read", uri, f"access refused to the role {THEIRS}")
    assert "s3:GetObject" in finding.remedy
    assert [failure.lies_in_data for failure in outcome.failures] == [False]
    guarded.gate.refused, guarded.gate.on_body = (lambda _path: False), (lambda _path, _sent_bytes: True)
    assert guarded.world(run_id="run-2").run(ADVERTS).failures == ()


def test_a_trust_that_is_withdrawn_in_mid_run_is_named_where_the_session_is_renewed(guarded):
    guarded.partner.csv("id,title\n1,Baker\n")

    def withdraw(_path: str, _sent_bytes: int) -> bool:
        guarded.gate.trusts = {OURS: Trust(None)}
        guarded.gate.end_sessions()
        return True

    guarded.gate.on_body = withdraw
    finding = guarded.world().run(ADVERTS).finding(ADVERTS)
    assert f"the role cannot be assumed (sts:AssumeRole by {OURS}: AccessDenied)" in finding.cause
    assert "trust policy" in finding.remedy


def ends_again_and_again(gate: Gate) -> Callable[[str, int], bool]:
    """Every fifth body is cut at its beginning, and all sessions end with it."""
    bodies = itertools.count(1)

    def on_body(path: str, sent_bytes: int) -> bool:
        if sent_bytes or not path.endswith((".csv", ".json")) or next(bodies) % 5:
            return True
        gate.end_sessions()
        return False

    return on_body


@pytest.mark.faults
def test_sessions_that_end_while_sparks_tasks_read_change_no_row(stack, spark, tmp_path):
    loaded = load_settings("local", environment=Environment(home=tmp_path)).resolved(stack)
    del spark
    plain = Delivery.open(loaded, f"plain_{uuid.uuid4().hex[:8]}")
    plain.write()
    plain.platform.engine = ThreadedKickstart()
    plain.execution(Events("run-plain")).run(plain.request)
    gate = gate_before(loaded.deployment.kickstart.store_settings(run_id="x").endpoint_url)
    gate.on_body = ends_again_and_again(gate)
    with open_gate(gate) as address:
        delivery = Delivery.open(loaded, f"guarded_{uuid.uuid4().hex[:8]}", endpoint=address)
        delivery.write()
        delivery.platform.engine = SessionEngine(tmp_path / "session")
        execution = delivery.execution(Events("run-guarded"))
        execution.run(delivery.request)
    assert execution.failures == []
    assert delivery.shown() == plain.shown()
    assert "ExpiredToken" in gate.answers
