"""How a step ends that was refused, or could do nothing: what it says, and whether Dagster starts its run again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from dagster import DagsterExecutionInterruptedError, DagsterInstance, Failure, job, op

from dataworks_assets.systems.ending import ended_by_cause, fail_step, told_plainly
from spark.errors import ConfigurationError, DataworksError, EngineError

REFUSED = ConfigurationError("AWS could not make it", where="cluster j-1", remedy="Correct `engine.emr`")
LOST = EngineError("its instances were lost", remedy="Run it again")


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as made:
        yield made


def ended(instance: DagsterInstance, error: DataworksError):
    """What a step says that ends with an error, its class, and its run's tags."""

    @op
    def work(context) -> None:
        with ended_by_cause(context):
            raise error

    @job
    def one() -> None:
        work()

    result = one.execute_in_process(instance=instance, raise_on_error=False)
    (failure,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    return failure.user_failure_data.description, instance.get_run_by_id(result.run_id).tags


@pytest.mark.parametrize("error", [REFUSED, LOST])
def test_a_step_says_first_what_is_wrong_and_what_to_do(instance, error):
    assert ended(instance, error)[0] == str(error)


def test_a_run_that_a_retry_cannot_help_is_not_started_again(instance):
    assert ended(instance, REFUSED)[1]["dagster/max_retries"] == "0"


def test_a_run_that_a_retry_may_help_is_left_to_dagster(instance):
    assert "dagster/max_retries" not in ended(instance, LOST)[1]


def test_the_error_stays_behind_its_words():
    with pytest.raises(Failure) as caught, told_plainly():
        raise REFUSED
    assert caught.value.__cause__ is REFUSED


def test_another_error_is_shown_with_its_place_in_the_code():
    with pytest.raises(ZeroDivisionError), told_plainly():
        1 / 0  # noqa: B018


@pytest.mark.parametrize(("count", "said"), [(1, "1 of the requested days was"), (2, "2 of the requested days were")])
def test_days_that_failed_do_not_speak_of_others_that_may_not_be_there(count, said):
    failures = [SimpleNamespace(collection="core/toDo", day="2026-11-20", cause="it is gone", lies_in_data=False)] * count
    with pytest.raises(Failure) as caught:
        fail_step(SimpleNamespace(), failures)
    assert caught.value.description.startswith(f"{said} not published; any other is.\ncore/toDo 2026-11-20: it is gone")


def failed(collection: str, cause: str) -> SimpleNamespace:
    return SimpleNamespace(collection=collection, day="2026-11-20", cause=cause, lies_in_data=False)


def test_a_cause_that_many_collections_share_is_said_once():
    alike = [failed(f"core/c{index}", "the day was not exported") for index in range(300)]
    with pytest.raises(Failure) as caught:
        fail_step(SimpleNamespace(), [*alike, failed("core/toDo", "line 7")])
    first, *lines = (caught.value.description or "").splitlines()
    assert first == "301 of the requested days were not published; any other is."
    assert lines == [
        "core/c0, core/c1, core/c2, core/c3, core/c4 and 295 more 2026-11-20: the day was not exported",
        "core/toDo 2026-11-20: line 7",
    ]


def test_a_step_that_is_cancelled_says_what_that_leaves():
    said: list[str] = []
    context = SimpleNamespace(log=SimpleNamespace(warning=said.append))
    with pytest.raises(DagsterExecutionInterruptedError), ended_by_cause(context):
        raise DagsterExecutionInterruptedError
    assert said[0].startswith("cancelled: the application was stopped. What it had published stays")
