"""Messages about exports, and to downstream and operators: topics, queues, and alarms for messages left unprocessed."""

from __future__ import annotations

from typing import Any

from troposphere import Equals, GetAtt, If, Not, Ref, Sub, Template, cloudwatch, sns, sqs

from dataworks_assets.infrastructure import parameters
from dataworks_assets.infrastructure.names import MOST_RECEIVES, Names
from dataworks_assets.infrastructure.templates.exchange import give, tags, take
from dataworks_assets.infrastructure.templates.relay import make_relay

NAMES = Names("${Prefix}")
_KEPT_SECONDS = 14 * 24 * 3600
_LATE_SECONDS = 3600
_MINUTES = 60
_KINDS = ("Full", "Incremental")
_TOPICS = {"NoticeTopic": NAMES.notice_topic, "CompletionTopic": NAMES.completion_topic, "PdmTopic": NAMES.pdm_topic}


def messages() -> Template:
    """Returns the stack's template."""
    template = parameters.template(
        "dataworks: topics and queues",
        parameters.FULL_EXPORT_TOPIC,
        parameters.INCREMENTAL_EXPORT_TOPIC,
        parameters.NOTICE_EMAIL,
        parameters.SLACK_SECRET,
        parameters.SLACK_CHANNEL,
        parameters.LOG_DAYS,
    )
    topics = {title: _topic(template, title, name) for title, name in _TOPICS.items()}
    notices = topics["NoticeTopic"]
    template.add_condition("TellsByEmail", Not(Equals(Ref("NoticeEmail"), "")))
    template.add_resource(
        sns.SubscriptionResource(
            "NoticesByEmail", TopicArn=Ref(notices), Protocol="email", Endpoint=Ref("NoticeEmail"), Condition="TellsByEmail"
        )
    )
    make_relay(template, notices)
    dead = template.add_resource(_queue("DeadLetterQueue", NAMES.dead_letter_queue))
    queue = template.add_resource(
        _queue(
            "MessageQueue",
            NAMES.message_queue,
            RedrivePolicy=sqs.RedrivePolicy(deadLetterTargetArn=GetAtt(dead, "Arn"), maxReceiveCount=MOST_RECEIVES),
        )
    )
    _subscriptions(template, queue)
    give(template, "MessageQueueUrl", Ref(queue), "Queue of the export's completion messages")
    give(template, "MessageQueueArn", GetAtt(queue, "Arn"), "The same queue's ARN")
    _alarms(template, queue, dead, notices)
    return template


def _topic(template: Template, title: str, name: str) -> sns.Topic:
    topic = template.add_resource(sns.Topic(title, TopicName=name, KmsMasterKeyId=take("DataKeyArn"), Tags=tags()))
    give(template, f"{title}Arn", Ref(topic), f"Topic {name}")
    statements: list[dict[str, Any]] = [
        {
            "Sid": "EncryptedConnectionsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": Ref(topic),
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "AlarmsOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": Ref(topic),
            "Condition": {"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}},
        },
    ]
    template.add_resource(
        sns.TopicPolicy(
            f"{title}Policy", Topics=[Ref(topic)], PolicyDocument={"Version": "2012-10-17", "Statement": statements}
        )
    )
    return topic


def _queue(title: str, name: str, **further: Any) -> sqs.Queue:
    return sqs.Queue(
        title,
        QueueName=name,
        KmsMasterKeyId=take("DataKeyArn"),
        MessageRetentionPeriod=_KEPT_SECONDS,
        VisibilityTimeout=2 * _MINUTES,
        Tags=tags(),
        **further,
    )


def _subscriptions(template: Template, queue: sqs.Queue) -> None:
    """Subscribes the queue to both exports' topics; only these may write to it."""
    nobody = Sub("arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:none")
    topics = [If(f"Hears{kind}", Ref(f"{kind}ExportTopicArn"), nobody) for kind in _KINDS]
    statements: list[dict[str, Any]] = [
        {
            "Sid": "EncryptedConnectionsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": GetAtt(queue, "Arn"),
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "CompletionMessages",
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": GetAtt(queue, "Arn"),
            "Condition": {"ArnEquals": {"aws:SourceArn": topics}},
        },
    ]
    template.add_resource(
        sqs.QueuePolicy(
            "MessageQueuePolicy", Queues=[Ref(queue)], PolicyDocument={"Version": "2012-10-17", "Statement": statements}
        )
    )
    for kind in _KINDS:
        condition, parameter = f"Hears{kind}", f"{kind}ExportTopicArn"
        template.add_condition(condition, Not(Equals(Ref(parameter), "")))
        template.add_resource(
            sns.SubscriptionResource(
                f"{kind}Exports",
                TopicArn=Ref(parameter),
                Protocol="sqs",
                Endpoint=GetAtt(queue, "Arn"),
                Condition=condition,
            )
        )


def _alarms(template: Template, queue: sqs.Queue, dead: sqs.Queue, notices: sns.Topic) -> None:
    told: dict[str, Any] = {
        "Namespace": "AWS/SQS",
        "Statistic": "Maximum",
        "Period": 5 * _MINUTES,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [Ref(notices)],
        "OKActions": [Ref(notices)],
    }
    template.add_resource(
        cloudwatch.Alarm(
            "MessagesPutAside",
            AlarmName=Sub("${Prefix}-messages-put-aside"),
            AlarmDescription="A message of an export could not be taken; see the runbook, `messages-put-aside`",
            MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=[cloudwatch.MetricDimension(Name="QueueName", Value=GetAtt(dead, "QueueName"))],
            Threshold=0,
            **told,
        )
    )
    template.add_resource(
        cloudwatch.Alarm(
            "MessagesNotTaken",
            AlarmName=Sub("${Prefix}-messages-not-taken"),
            AlarmDescription="Nobody takes the exports' messages; see the runbook, `messages-not-taken`",
            MetricName="ApproximateAgeOfOldestMessage",
            Dimensions=[cloudwatch.MetricDimension(Name="QueueName", Value=GetAtt(queue, "QueueName"))],
            Threshold=_LATE_SECONDS,
            **told,
        )
    )
