"""A notice as Slack shows it: Block Kit within its limits, whatever a notice says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataworks_assets.ledger.notices import Notice, NoticeType
from dataworks_assets.ledger.slack import relayed, slack_message

NOTICE = Notice(
    NoticeType.ERROR,
    "ADG-full 2026-11-20 failed",
    {"failed collections": "core/claimant", "causes": "a < b & <!channel>", "run_url": "https://dagster.example/runs/1"},
)


def shown(notice, channel="#alerts"):
    return slack_message(notice.body(sender="ADG").decode(), channel=channel)


def test_a_notice_is_rendered_as_blocks():
    assert shown(NOTICE) == {
        "channel": "#alerts",
        "username": "ADG",
        "text": ":red_circle: ADG-full 2026-11-20 failed",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "ADG-full 2026-11-20 failed", "emoji": True}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "*failed collections*\ncore/claimant"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "*causes*\na &lt; b &amp; &lt;!channel&gt;"}},
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": "<https://dagster.example/runs/1|Open the run in Dagster>"},
            },
            {"type": "context", "elements": [{"type": "mrkdwn", "text": ":red_circle: Error, severity Critical"}]},
        ],
    }


def test_a_run_without_an_address_is_named():
    blocks = shown(Notice(NoticeType.INFORMATION, "started", {"run_url": "run-1"}))["blocks"]
    assert blocks[1]["text"]["text"] == "*run*\nrun-1"


@given(st.text(max_size=400), st.dictionaries(st.text(max_size=20), st.text(max_size=4000), max_size=60))
def test_whatever_a_notice_says_slack_takes_it(title, elements):
    message = shown(Notice(NoticeType.WARNING, title, elements))
    assert len(message["blocks"]) <= 50
    for block in message["blocks"]:
        for text in (block["text"], *block.get("elements", ())) if "text" in block else block["elements"]:
            assert len(text["text"]) <= (150 if block["type"] == "header" else 3000)
    json.dumps(message)


def event(body, channel="#alerts", subject=None):
    """The event by which SNS calls a function."""
    attributes = {"channel": {"Type": "String", "Value": channel}} if channel else {}
    return {"Records": [{"Sns": {"Message": body, "MessageAttributes": attributes, "Subject": subject}}]}


def test_a_relay_posts_each_message_of_an_event_where_it_is_routed():
    assert relayed(event(NOTICE.body(sender="ADG").decode()), channel="#other") == [shown(NOTICE)]


def test_an_alarm_is_shown_where_alarms_are():
    alarm = {
        "AlarmName": "dataworks-messages-not-taken",
        "NewStateValue": "ALARM",
        "NewStateReason": "1 datapoint",
        "Trigger": {},
    }
    [message] = relayed(event(json.dumps(alarm), channel=""), channel="#service")
    assert (message["channel"], message["text"]) == ("#service", ":red_circle: dataworks-messages-not-taken is ALARM")
    assert message["blocks"][1]["text"]["text"] == "*why*\n1 datapoint"
    [well] = relayed(event(json.dumps(alarm | {"NewStateValue": "OK"}), channel=""), channel="#service")
    assert well["text"].startswith(":large_blue_circle:")


@pytest.mark.parametrize("body", ["no json", "{}", "[1]", json.dumps({"AlarmName": 1}), '{"title_text": "half a notice"}'])
def test_what_is_neither_is_shown_as_it_is(body):
    [message] = relayed(event(body, channel="", subject="From elsewhere"), channel="#service")
    assert message["text"] == ":warning: From elsewhere"
    assert body in message["blocks"][1]["text"]["text"]
