"""Notices in Slack: what a message of the topic looks like there (Block Kit), and the Lambda function that posts it.

This file is the function's code as it stands: it knows nothing but the standard library and boto3, which Lambda has. The
formats: https://docs.slack.dev/reference/block-kit/blocks (150 characters of a header, 3,000 of a section's text, 50 blocks of
a message), https://docs.slack.dev/reference/methods/chat.postMessage, and incoming webhooks.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

_HEADER_CHARACTERS = 150
_SECTION_CHARACTERS = 3000
_MOST_ELEMENTS = 45
_MARKS = {"Information": ":large_blue_circle:", "Warning": ":warning:", "Error": ":red_circle:"}
_LINK_KEY = "run_url"
_API = "https://slack.com/api/chat.postMessage"
_TIMEOUT_SECONDS = 10
_ANY = "*"


class RelayError(Exception):
    """Slack did not take a message, or cannot be reached; Lambda tries again, then its alarm says so. Names no secret."""


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Posts the messages of the event by which SNS calls the function.

    Its environment: `SLACK_SECRET`, the secret with `{"token": ...}` of an app that may `chat:write.customize`, or with
    `{"webhooks": {"#channel": "https://...", "*": "https://..."}}`; `SLACK_CHANNEL`, for alarms and whatever names none.

    Raises:
        RelayError: a message was not taken.
    """
    found = relayed(event, channel=os.environ["SLACK_CHANNEL"])
    secret = _read_secret(os.environ["SLACK_SECRET"])
    for message in found:
        _post(secret, message)


def relayed(event: Mapping[str, Any], *, channel: str) -> list[dict[str, Any]]:
    """Returns the arguments of Slack's `chat.postMessage` for the messages of an event by which SNS calls a function.

    Args:
        event: of Lambda.
        channel: where a message is shown that says no channel.
    """
    found: list[dict[str, Any]] = []
    for record in event.get("Records", ()):
        sns = record["Sns"]
        said = sns.get("MessageAttributes", {}).get("channel", {}).get("Value", "")
        found.append(slack_message(sns["Message"], channel=said or channel, subject=sns.get("Subject") or ""))
    return found


def slack_message(body: str, *, channel: str, subject: str = "") -> dict[str, Any]:
    """Returns the arguments of Slack's `chat.postMessage` for a message of the topic.

    Args:
        body: a notice's JSON, an alarm's of CloudWatch, or anything else, which is shown as it is.
        channel: where it is to be shown: the message attribute `channel`.
        subject: of the message.
    """
    notice = _notice(body) or _alarm(body) or _unknown(body, subject)
    mark = _MARKS.get(notice["notification_type"], "")
    elements = [(str(each["key"]), str(each["value"])) for each in notice["custom_elements"][:_MOST_ELEMENTS]]
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": _cut(notice["title_text"], _HEADER_CHARACTERS), "emoji": True},
        },
        *(_section(key, value) for key, value in elements if key != _LINK_KEY and value),
        *(_link(value) for key, value in elements if key == _LINK_KEY and value),
        _context(f"{mark} {notice['notification_type']}, severity {notice['severity']}"),
    ]
    return {
        "channel": channel,
        "username": notice["slack_username"],
        "text": f"{mark} {notice['title_text']}".strip(),
        "blocks": blocks,
    }


def _notice(body: str) -> dict[str, Any] | None:
    """Returns a notice of the platform; None where the body is none."""
    said = _object(body)
    texts = ("severity", "notification_type", "slack_username", "title_text")
    elements = said.get("custom_elements", [])
    if not all(isinstance(said.get(name), str) for name in texts) or not isinstance(elements, list):
        return None
    is_whole = all(isinstance(each, dict) and {"key", "value"} <= set(each) for each in elements)
    return {**said, "custom_elements": elements} if is_whole else None


def _alarm(body: str) -> dict[str, Any] | None:
    """Returns an alarm of CloudWatch as a notice; None where the body is none."""
    said = _object(body)
    name, state = said.get("AlarmName"), said.get("NewStateValue")
    if not isinstance(name, str) or not isinstance(state, str):
        return None
    elements = [
        ("what", said.get("AlarmDescription")),
        ("why", said.get("NewStateReason")),
        ("since", said.get("StateChangeTime")),
    ]
    is_error = state == "ALARM"
    return _made(
        "Error" if is_error else "Information", f"{name} is {state}", [(key, str(text)) for key, text in elements if text]
    )


def _unknown(body: str, subject: str) -> dict[str, Any]:
    """Returns a message of any other shape as a notice: nothing that is said to operators is dropped."""
    return _made("Warning", subject or "A message that is no notice", [("message", body)])


def _made(kind: str, title: str, elements: Sequence[tuple[str, str]]) -> dict[str, Any]:
    severities = {"Information": "Medium", "Warning": "High", "Error": "Critical"}
    return {
        "severity": severities[kind],
        "notification_type": kind,
        "slack_username": "dataworks",
        "title_text": title,
        "custom_elements": [{"key": key, "value": value} for key, value in elements],
    }


def _object(body: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _section(key: str, value: str) -> dict[str, Any]:
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": _cut(f"*{_escaped(key)}*\n{_escaped(value)}", _SECTION_CHARACTERS)},
    }


def _link(address: str) -> dict[str, Any]:
    if not address.startswith(("https://", "http://")):
        return _section("run", address)
    return {"type": "section", "text": {"type": "mrkdwn", "text": f"<{_escaped(address)}|Open the run in Dagster>"}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text.strip()}]}


def _escaped(text: str) -> str:
    """Returns a text as Slack takes it literally; what looks like a mention mentions nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def _read_secret(name: str) -> dict[str, Any]:
    """Returns what a secret says, read at every call: a new token or webhook holds from the next message on."""
    import boto3

    said = _object(boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
    if isinstance(said.get("token"), str) or isinstance(said.get("webhooks"), dict):
        return said
    raise RelayError(f'{name} has neither a `token` nor `webhooks`: write {{"token": "..."}} or {{"webhooks": {{"*": "..."}}}}')


def _post(secret: Mapping[str, Any], message: Mapping[str, Any]) -> None:
    """Posts by the token, which can choose the channel, or by the webhook of the channel, which is that channel's alone."""
    if token := secret.get("token"):
        answer = _send(os.environ.get("SLACK_API", _API), message, {"Authorization": f"Bearer {token}"})
        said = _object(answer)
        if not said.get("ok"):
            raise RelayError(f"Slack refuses a message for {message['channel']}: {said.get('error', 'it does not say why')}")
        return
    webhooks = secret["webhooks"]
    url = webhooks.get(message["channel"]) or webhooks.get(_ANY)
    if not url:
        raise RelayError(f"there is no webhook for {message['channel']}, nor one for any channel (`*`)")
    _send(url, {name: message[name] for name in ("text", "blocks")}, {})


def _send(url: str, document: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """Returns the answer; an error never has the address, which is a secret where it is a webhook's."""
    body = json.dumps(document).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", **headers}
    try:
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - an address of the deployer's
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - the same
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        raise RelayError(f"Slack answers {error.code}: {error.read(200).decode(errors='replace')}") from None
    except (urllib.error.URLError, TimeoutError) as error:
        raise RelayError(f"Slack cannot be reached: {getattr(error, 'reason', 'it took too long')}") from None
    except ValueError:
        raise RelayError("a webhook of the secret is no address") from None
