"""A notice as Slack shows it: Block Kit, for whoever relays the topic's messages to Slack. Pure: nothing is sent here.

The format: https://docs.slack.dev/reference/block-kit/blocks. Its limits are kept: 150 characters of a header, 3,000 of a
section's text, 50 blocks of a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from spark.contract import Document
from spark.errors import InputError

_HEADER_CHARACTERS = 150
_SECTION_CHARACTERS = 3000
_MOST_ELEMENTS = 45
_MARKS = {"Information": ":large_blue_circle:", "Warning": ":warning:", "Error": ":red_circle:"}
_LINK_KEY = "run_url"


class Element(Document, frozen=True):
    """One thing that a notice says."""

    key: str
    value: str


class NoticeMessage(Document, frozen=True):
    """A notice as it is sent."""

    severity: str
    notification_type: str
    slack_username: str
    title_text: str
    custom_elements: tuple[Element, ...] = ()


def slack_message(body: str | bytes, *, channel: str) -> dict[str, Any]:
    """Returns the arguments of Slack's `chat.postMessage` for a notice.

    Args:
        body: the notice's JSON, as the topic delivers it.
        channel: where it is to be shown: the message attribute `channel`.

    Raises:
        InputError: the body is no notice.
    """
    try:
        notice = msgspec.json.decode(body, type=NoticeMessage)
    except msgspec.DecodeError as error:
        raise InputError(f"the message is no notice: {error}", remedy="Relay the topic of notices alone") from error
    mark = _MARKS.get(notice.notification_type, "")
    elements = notice.custom_elements[:_MOST_ELEMENTS]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(notice.title_text, _HEADER_CHARACTERS), "emoji": True}},
        *(_section(each) for each in elements if each.key != _LINK_KEY and each.value),
        *(_link(each) for each in elements if each.key == _LINK_KEY and each.value),
        _context(f"{mark} {notice.notification_type}, severity {notice.severity}"),
    ]
    return {
        "channel": channel,
        "username": notice.slack_username,
        "text": f"{mark} {notice.title_text}".strip(),
        "blocks": blocks,
    }


def relayed(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns what is to be posted for an event by which SNS calls a Lambda function, a message each.

    Raises:
        InputError: a message is no notice, or does not say where it is to be shown.
    """
    found: list[dict[str, Any]] = []
    for record in event.get("Records", ()):
        sns = record["Sns"]
        channel = sns.get("MessageAttributes", {}).get("channel", {}).get("Value", "")
        if not channel:
            raise InputError("the notice says no channel", where=sns.get("TopicArn", ""), remedy="Send it by this platform")
        found.append(slack_message(sns["Message"], channel=channel))
    return found


def _section(element: Element) -> dict[str, Any]:
    text = f"*{_escaped(element.key)}*\n{_escaped(element.value)}"
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, _SECTION_CHARACTERS)}}


def _link(element: Element) -> dict[str, Any]:
    if not element.value.startswith(("https://", "http://")):
        return _section(Element(key="run", value=element.value))
    return {"type": "section", "text": {"type": "mrkdwn", "text": f"<{_escaped(element.value)}|Open the run in Dagster>"}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text.strip()}]}


def _escaped(text: str) -> str:
    """Returns a text as Slack takes it literally; what looks like a mention mentions nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1]}…"
