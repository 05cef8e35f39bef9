"""The EMR engine's own behaviour, in memory: what the suite of all engines does not ask."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from dataworks_assets.engines.base import JobError
from dataworks_assets.engines.channel import Line
from dataworks_assets.engines.emr.intents import Intents
from dataworks_assets_tests.engines.emr.world import FAMILY, MEMORY, StruckClient, emr_config, named_cluster
from dataworks_assets_tests.faults.strikes import Strike
from dataworks_assets_tests.stack.emr.memory import MemoryClient
from spark.contract import JobParameters, decode, encode
from spark.errors import EngineError


def cluster(world):
    (only,) = world.emr.clusters.values()
    return only


def at_each_poll(engine, act):
    """Lets something happen once the step runs."""
    submit = engine.submit

    def submitting(submission, arguments, emit):
        application = submit(submission, arguments, emit)
        poll, done = application.poll, []

        def polling():
            if engine.calls.describe_step(application._watch.cluster_id, application._watch.step_id).state == "RUNNING":
                done or done.append(act(application))
            return poll()

        application.poll = polling
        return application

    engine.submit = submitting
    return engine


def test_a_cluster_is_started_with_its_step_and_ends_with_it(world):
    result = world.run(world.engine())
    assert (result.complete, [step.state for step in cluster(world).steps]) == (True, ["COMPLETED"])
    assert not cluster(world).keeps_alive
    assert world.living() == []


class ClosedChannel:
    """Of a job that says at once that it has ended."""

    @contextmanager
    def open(self, submission):
        yield Line(is_closed=lambda: True)


def test_an_application_that_says_it_has_ended_is_looked_at_soon_once(world):
    engine, hastened = world.engine(), []
    engine.poller.hasten = hastened.append
    engine.run(world.submission(), on_message=lambda _: None, channel=ClosedChannel())
    assert [watch.cluster_id for watch in hastened] == [cluster(world).id]


def test_a_cluster_ends_by_itself_when_it_is_idle_and_says_whose_it_is(world):
    world.run(world.engine())
    assert cluster(world).idle_seconds == 15 * 60
    assert {"dataworks:deployment": "test", "dataworks:run": FAMILY}.items() <= cluster(world).tags.items()


def test_the_error_of_a_step_names_cluster_and_step(world):
    world.succeeds = False
    with pytest.raises(JobError, match=r"step s-\w+ is FAILED") as caught:
        world.run(world.engine())
    assert "STEP_FAILURE" not in caught.value.remedy
    assert caught.value.log_address == f"s3://logs/emr/{cluster(world).id}/steps/{cluster(world).steps[0].id}/stdout.gz"


def test_a_cluster_that_fails_in_bootstrapping_is_an_error_of_its_own_that_no_retry_mends(world):
    world.nodes.bootstrap_code = 1
    with pytest.raises(JobError, match="failed in bootstrapping") as caught:
        world.run(world.engine())
    assert (caught.value.transient, "dataworks deploy artefacts" in caught.value.remedy) == (False, True)
    assert world.intents() == []


def test_a_spot_reclaim_is_an_error_that_a_retry_may_mend(world):
    with pytest.raises(JobError, match="its instances were lost") as caught:
        world.run(at_each_poll(world.engine(), lambda _: world.emr.reclaim(cluster(world).id)))
    assert (caught.value.transient, "spot_percent" in caught.value.remedy) == (True, True)


def test_a_cluster_ended_by_hand_is_said_to_be(world):
    client = MemoryClient(world.emr)
    with pytest.raises(JobError, match="somebody terminated it"):
        world.run(at_each_poll(world.engine(), lambda _: client.terminate_job_flows(JobFlowIds=[cluster(world).id])))


def test_what_aws_refuses_is_an_error_with_its_words_and_leaves_nothing(world):
    world.config = emr_config(security_configuration="gone")
    with pytest.raises(EngineError, match="Security configuration with name 'gone' does not exist") as caught:
        world.run(world.engine())
    assert not caught.value.transient


def test_a_run_that_takes_too_long_ends_its_cluster(world):
    with pytest.raises(JobError, match="took longer than its 150 s"):
        world.run(world.engine(), world.submission(timeout_seconds=150))
    assert (world.living(), world.intents()) == ([], [])


def test_an_interrupted_run_ends_its_cluster(world):
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.run(at_each_poll(world.engine(), interrupt))
    assert (world.living(), world.intents(), world.done) == ([], [], [])


def test_an_interrupted_run_ends_its_step_and_leaves_a_shared_cluster_alone(world):
    def interrupt(_):
        raise KeyboardInterrupt

    with named_cluster(world) as cluster_id, pytest.raises(KeyboardInterrupt):
        world.run(at_each_poll(world.engine(), interrupt))
    assert world.living() == [cluster_id]
    assert [step.state for step in world.emr.clusters[cluster_id].steps] == ["CANCELLED"]


def test_a_shared_cluster_that_does_not_run_is_named(world):
    world.config = emr_config(cluster="shared")
    with pytest.raises(EngineError, match="no cluster 'shared' runs"):
        world.run(world.engine())


def crash(world):
    """A run whose process is gone without a word, its cluster asked for."""
    submission = world.submission()
    world.store.put(submission.parameters_uri, encode(submission.parameters))
    world.engine().submit(submission, submission.job_arguments(), lambda _: None)
    return submission


def live_on(world):
    """Lets the cluster of a run that is gone come to its end."""
    for _ in range(5):
        world.clock.sleep(100)
        world.emr.advance()
    assert cluster(world).state == "TERMINATED"


def test_a_later_try_goes_on_with_what_runs(world):
    submission = crash(world)
    world.clock.sleep(130)
    assert world.go_on().run_id == submission.run_id
    assert (world.done, len(world.emr.clusters)) == ([submission.run_id], 1)


def test_a_later_try_picks_up_the_result_of_a_step_that_ended_meanwhile(world):
    submission = crash(world)
    live_on(world)
    assert world.go_on().run_id == submission.run_id
    assert world.done == [submission.run_id]


def test_going_on_changes_neither_parameters_nor_result(world):
    submission = crash(world)
    before = world.store.read(submission.parameters_uri)
    live_on(world)
    result = world.store.read(submission.parameters.result_uri)
    world.go_on()
    assert (world.store.read(submission.parameters_uri), world.store.read(submission.parameters.result_uri)) == (before, result)
    assert decode(before, JobParameters, where="") == submission.parameters


def test_what_is_gone_on_with_has_the_time_that_is_left(world):
    submission = crash(world)
    world.clock.sleep(1000)
    control_uri = submission.parameters.control_uri
    (found,) = world.engine().unfinished(FAMILY, store=MEMORY, control_uri=control_uri)
    assert found.timeout_seconds == submission.timeout_seconds - 1000


def test_another_run_does_not_go_on_with_it(world):
    submission = crash(world)
    assert world.engine().unfinished("another", store=MEMORY, control_uri=submission.parameters.control_uri) == []


class Lagging(StruckClient):
    """A start whose answer is lost, and listings that do not show it for a while."""

    def __getattr__(self, operation):
        call = super().__getattr__(operation)

        def lagging(**parameters):
            answer = call(**parameters)
            if operation == "list_clusters":
                young = self.world.clock() - 60
                shown = [
                    each for each in answer["Clusters"] if each["Status"]["Timeline"]["CreationDateTime"].timestamp() < young
                ]
                return {**answer, "Clusters": shown}
            return answer

        return lagging


def lagging(world):
    client = Lagging(world, Strike(at=1, fault="time-out"), "time-out, done")
    client.world = world
    return client


def test_of_two_clusters_that_came_about_one_does_the_job_and_the_other_ends(world):
    result = world.run(world.engine(client=lagging(world)))
    assert len(world.emr.clusters) == 2
    assert (result.complete, len(world.done)) == (True, 1)
    assert (world.living(), world.intents()) == ([], [])


def test_of_two_steps_that_came_about_one_does_the_job(world):
    with named_cluster(world) as cluster_id:
        engine = world.engine(Strike(at=3, fault="time-out"), fault="time-out, done")
        result = world.run(engine)
    assert (result.complete, len(world.done)) == (True, 1)
    assert world.emr.clusters[cluster_id].active_steps() == []


def test_what_cannot_be_ended_stays_known(world):
    engine = world.engine()
    terminate = engine.calls.terminate
    engine.calls.terminate = lambda ids: (_ for _ in ()).throw(EngineError("not now"))
    with pytest.raises(EngineError, match="not now"):
        world.run(engine)
    (intent,) = Intents(world.store, world.submission().parameters.control_uri).list()
    assert intent.cluster_id == cluster(world).id
    engine.calls.terminate = terminate
    assert world.go_on().run_id == intent.run_id
    assert world.intents() == []
