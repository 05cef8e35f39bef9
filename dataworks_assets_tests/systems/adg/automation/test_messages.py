import json

import pytest

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems.adg.automation.messages import parse_message, refuse_foreign
from dataworks_assets_tests.systems.adg.automation.conftest import completion, enveloped, on
from spark.errors import InputError

ARGUMENTS = ["--correlation_id", "c", "--s3_prefix", "/p/", "--snapshot_type", "full", "--export_date", "2026-11-20"]


def _refusal(body: str) -> str:
    with pytest.raises(InputError) as refused:
        parse_message(body)
    return str(refused.value)


def test_a_raw_message_says_what_was_exported():
    said = parse_message(completion("2026-11-20", correlation_id="c-7", kind="incremental"))
    assert (said.correlation_id, said.snapshot_type, said.export_date) == ("c-7", SnapshotType.INCREMENTAL, on("2026-11-20"))
    assert said.s3_prefix == "ucdata/2026-11-20/incremental"


def test_an_enveloped_message_is_the_same_as_a_raw_one():
    assert parse_message(enveloped(completion())).digest == parse_message(completion()).digest


def test_the_arguments_may_be_a_plain_list():
    assert parse_message(json.dumps({"additional_step_args": ARGUMENTS})).s3_prefix == "p"


def test_an_argument_may_hold_its_value():
    arguments = ["--correlation_id=c", *ARGUMENTS[2:]]
    assert parse_message(json.dumps({"additional_step_args": {"submit-job": arguments}})).correlation_id == "c"


def test_the_arguments_may_stand_in_several_steps():
    steps = {"submit-job": ARGUMENTS[:4], "build": ["--flag", *ARGUMENTS[4:]], "none": []}
    assert parse_message(json.dumps({"additional_step_args": steps})).export_date == on("2026-11-20")


def test_another_correlation_id_is_another_message():
    assert parse_message(completion(correlation_id="a")).digest != parse_message(completion(correlation_id="b")).digest


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("not json", "no JSON"),
        ("[1]", "no JSON object"),
        ("{}", "the message has no additional_step_args"),
        ('{"additional_step_args": null}', "no list of texts"),
        ('{"additional_step_args": {}}', "--correlation_id, --s3_prefix, --snapshot_type, --export_date"),
        ('{"additional_step_args": {"submit-job": [1]}}', "no list of texts"),
        (completion(correlation_id=""), "--correlation_id"),
        (completion(correlation_id="é" * 600), "--correlation_id has 1,200 bytes"),
        (completion(kind="weekly"), "'weekly'"),
        (completion("20.11.2026"), "'20.11.2026'"),
        (completion("20261120"), "'20261120'"),
        (enveloped("nothing"), "no JSON"),
    ],
)
def test_a_malformed_message_is_refused_with_what_is_wrong(body, said):
    assert said in _refusal(body)


def test_two_steps_that_disagree_are_refused():
    steps = {"submit-job": ARGUMENTS, "again": ["--correlation_id", "other"]}
    assert "two things of --correlation_id" in _refusal(json.dumps({"additional_step_args": steps}))


def test_a_prefix_that_is_not_the_deployments_is_refused_with_the_right_one(scope):
    said = parse_message(completion(prefix="elsewhere/2026-11-20/full"))
    with pytest.raises(InputError, match="ucdata/2026-11-20/full"):
        refuse_foreign(said, scope.settings.deployment)


@pytest.mark.parametrize(
    "prefix", ["ucdata/2026-11-20/full", "ucdata/2026-11-20/full/", "memory://input/ucdata/2026-11-20/full"]
)
def test_the_deployments_prefix_is_taken_in_each_spelling(scope, prefix):
    refuse_foreign(parse_message(completion(prefix=prefix)), scope.settings.deployment)


def test_the_prefix_of_another_day_is_refused(scope):
    with pytest.raises(InputError):
        refuse_foreign(parse_message(completion(prefix="ucdata/2026-11-19/full")), scope.settings.deployment)
