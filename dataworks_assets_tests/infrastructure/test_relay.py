"""The function that posts notices to Slack, as its template has it: run here against a server in Slack's place."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest

from dataworks_assets.infrastructure.stacks import STACKS
from dataworks_assets.ledger.notices import Notice, NoticeType, SnsNotifier

REGION = "eu-west-2"
(MESSAGES,) = [stack.document() for stack in STACKS if stack.name == "messages"]
FUNCTION = MESSAGES["Resources"]["SlackRelay"]["Properties"]
NOTICE = Notice(NoticeType.ERROR, "ADG-full 2026-11-20 failed", {"causes": "core/claimant: truncated"})


class Slack(HTTPServer):
    """Takes posts, or answers as it is told to."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Post)
        self.posts, self.status, self.answer = [], 200, {"ok": True}
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Post(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posts.append((self.path, self.headers.get("Authorization"), body))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.answer).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def slack():
    with Slack() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def account(memory_account, monkeypatch):
    """An account in memory, which this process has credentials for as a function has them."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@pytest.fixture
def relay(account, slack, monkeypatch):
    """Makes the function with a secret; what it gives is called as Lambda does."""

    def made(secret):
        found = boto3.client("secretsmanager").create_secret(Name="slack", SecretString=secret)
        for name in FUNCTION["Environment"]["Variables"]:
            monkeypatch.setenv(name, {"SLACK_SECRET": found["ARN"], "SLACK_CHANNEL": "#service"}[name])
        monkeypatch.setenv("SLACK_API", f"{slack.url}/api/chat.postMessage")
        module, _, function = FUNCTION["Handler"].partition(".")
        assert module == "index"
        names: dict[str, object] = {"__name__": module}
        exec(compile(FUNCTION["Code"]["ZipFile"], "index.py", "exec"), names)
        return names[function]

    return made


@pytest.fixture
def event(account):
    """The event of a notice that the platform sent, as SNS calls a function with it."""
    topics, queues = boto3.client("sns"), boto3.client("sqs")
    topic, queue = topics.create_topic(Name="notices")["TopicArn"], queues.create_queue(QueueName="q")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    notifier = SnsNotifier(lambda: topic, lambda: topics, "production", lambda kind: f"#{kind.lower()}s", "ADG")
    assert notifier.send(NOTICE)
    body = json.loads(queues.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    return {"Records": [{"EventSource": "aws:sns", "Sns": body}]}


def test_a_notice_is_posted_by_token_where_it_is_routed(relay, slack, event):
    relay(json.dumps({"token": "xoxb-canary"}))(event, None)
    [(path, authorization, body)] = slack.posts
    assert (path, authorization) == ("/api/chat.postMessage", "Bearer xoxb-canary")
    assert (body["channel"], body["username"], body["text"]) == ("#errors", "ADG", ":red_circle: ADG-full 2026-11-20 failed")
    assert body["blocks"][1]["text"]["text"] == "*causes*\ncore/claimant: truncated"


@pytest.mark.parametrize("channel", ["#errors", "*"])
def test_a_notice_is_posted_by_the_webhook_of_its_channel_or_that_of_any(relay, slack, event, channel):
    relay(json.dumps({"webhooks": {channel: f"{slack.url}/services/T/B/canary", "#other": "http://127.0.0.1:9"}}))(event, None)
    [(path, authorization, body)] = slack.posts
    assert (path, authorization, set(body)) == ("/services/T/B/canary", None, {"text", "blocks"})


def test_what_slack_does_not_take_is_an_error_that_names_no_secret(relay, slack, event):
    post = relay(json.dumps({"webhooks": {"*": f"{slack.url}/services/T/B/canary"}}))
    slack.status = 404
    with pytest.raises(Exception, match="Slack answers 404") as failed:
        post(event, None)
    assert "canary" not in str(failed.value)


def test_a_channel_that_slack_does_not_know_is_an_error(relay, slack, event):
    slack.answer = {"ok": False, "error": "channel_not_found"}
    with pytest.raises(Exception, match="refuses a message for #errors: channel_not_found"):
        relay(json.dumps({"token": "xoxb-canary"}))(event, None)


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("canary", "neither a `token` nor `webhooks`"),
        ('{"url": "canary"}', "neither a `token` nor `webhooks`"),
        ('{"webhooks": {"#other": "http://canary"}}', "no webhook for #errors"),
        ('{"webhooks": {"*": "http://127.0.0.1:9/canary"}}', "cannot be reached"),
        ('{"webhooks": {"*": "canary"}}', "no address"),
    ],
)
def test_a_secret_that_is_none_says_what_it_should_be_and_not_what_it_is(relay, slack, event, secret, told):
    with pytest.raises(Exception, match=told) as failed:
        relay(secret)(event, None)
    assert ("canary" in str(failed.value), slack.posts) == (False, [])


def test_it_is_made_only_where_a_secret_is_named():
    own = {name: each for name, each in MESSAGES["Resources"].items() if "Slack" in name}
    assert len(own) >= 6
    assert {each["Condition"] for each in own.values()} == {"TellsSlack"}
    assert MESSAGES["Parameters"]["SlackSecretArn"]["Default"] == ""
