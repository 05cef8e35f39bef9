"""The relay from the notice topic to Slack: a Lambda function, created only if the secret with which it posts is given.

Not Amazon Q in chat applications: that shows only AWS' own messages and its own schema, not our notices, and has one fixed
channel per topic, whereas each notice names its channel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from troposphere import Equals, GetAtt, Not, Ref, Sub, Template, awslambda, cloudwatch, iam, logs, sns

from dataworks_assets.infrastructure.permissions import Statement, document, trust
from dataworks_assets.infrastructure.templates.exchange import tags, take
from dataworks_assets.ledger import slack

_CONDITION = "TellsSlack"
_LOG_GROUP = "/app/slack-relay/"
_MINUTES = 60
_TRIED_SECONDS = 3600


def make_relay(template: Template, notices: sns.Topic) -> None:
    """Adds the function, its permissions, and the alarm for notices that it could not post."""
    template.add_condition(_CONDITION, Not(Equals(Ref("SlackSecretArn"), "")))
    group = template.add_resource(
        logs.LogGroup(
            "SlackRelayLogs",
            LogGroupName=_LOG_GROUP,
            RetentionInDays=Ref("LogDays"),
            KmsKeyId=take("DataKeyArn"),
            Tags=tags(),
            Condition=_CONDITION,
        )
    )
    role = template.add_resource(
        iam.Role(
            "SlackRelayRole",
            AssumeRolePolicyDocument=trust("lambda.amazonaws.com"),
            Policies=[iam.Policy(PolicyName="relay", PolicyDocument=document(relay_statements()))],
            Tags=tags(),
            Condition=_CONDITION,
        )
    )
    function = template.add_resource(
        awslambda.Function(
            "SlackRelay",
            Description="Shows notices and alarms in Slack",
            Runtime="python3.12",
            Handler="index.handler",
            Code=awslambda.Code(ZipFile=Path(slack.__file__).read_text(encoding="utf-8")),
            Role=GetAtt(role, "Arn"),
            Timeout=30,
            MemorySize=256,
            Environment=awslambda.Environment(
                Variables={"SLACK_SECRET": Ref("SlackSecretArn"), "SLACK_CHANNEL": Ref("SlackChannel")}
            ),
            LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref(group)),
            Tags=tags(),
            Condition=_CONDITION,
        )
    )
    _subscribe(template, function, notices)
    _alarm(template, function, notices)


def relay_statements() -> tuple[Statement, ...]:
    """What the function needs."""
    here = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}"
    return (
        Statement(
            "SlackSecretIsRead",
            "The relay posts to Slack by the token or the webhooks of this secret",
            ("secretsmanager:GetSecretValue",),
            (Ref("SlackSecretArn"),),
        ),
        Statement(
            "SlackSecretIsDecrypted",
            "The secret may be encrypted with the platform's key",
            ("kms:Decrypt",),
            (take("DataKeyArn"),),
            conditions={"StringEquals": {"kms:ViaService": Sub("secretsmanager.${AWS::Region}.amazonaws.com")}},
        ),
        Statement(
            "RelayLogs",
            "What the relay could not post is in its log",
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            (f"{here}:log-group:{_LOG_GROUP}:*",),
        ),
    )


def _subscribe(template: Template, function: awslambda.Function, notices: sns.Topic) -> None:
    template.add_resource(
        awslambda.Permission(
            "NoticesCallSlackRelay",
            Action="lambda:InvokeFunction",
            FunctionName=Ref(function),
            Principal="sns.amazonaws.com",
            SourceArn=Ref(notices),
            Condition=_CONDITION,
        )
    )
    template.add_resource(
        sns.SubscriptionResource(
            "NoticesInSlack", TopicArn=Ref(notices), Protocol="lambda", Endpoint=GetAtt(function, "Arn"), Condition=_CONDITION
        )
    )
    template.add_resource(
        awslambda.EventInvokeConfig(
            "SlackRelayRetries",
            FunctionName=Ref(function),
            Qualifier="$LATEST",
            MaximumRetryAttempts=2,
            MaximumEventAgeInSeconds=_TRIED_SECONDS,
            Condition=_CONDITION,
        )
    )


def _alarm(template: Template, function: awslambda.Function, notices: sns.Topic) -> None:
    told: dict[str, Any] = {"AlarmActions": [Ref(notices)], "OKActions": [Ref(notices)]}
    template.add_resource(
        cloudwatch.Alarm(
            "NoticesNotInSlack",
            AlarmName=Sub("${Prefix}-notices-not-in-slack"),
            AlarmDescription="Slack did not take a notice; see the runbook, `notices-not-in-slack`",
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=[cloudwatch.MetricDimension(Name="FunctionName", Value=Ref(function))],
            Statistic="Sum",
            Period=5 * _MINUTES,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
            Condition=_CONDITION,
            **told,
        )
    )
