"""Dagster itself: its PostgreSQL database, and webserver, daemon and code server as containers behind a login page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from troposphere import (
    And,
    Equals,
    GetAtt,
    Not,
    Ref,
    Sub,
    Template,
    cloudwatch,
    ecs,
    iam,
    logs,
    rds,
    servicediscovery,
)
from troposphere import elasticloadbalancingv2 as elb

from dataworks_assets.infrastructure import parameters
from dataworks_assets.infrastructure.permissions import document, trust
from dataworks_assets.infrastructure.templates.access.dagster import (
    container_statements,
    dagster_statements,
    database_statements,
    rotation_statements,
)
from dataworks_assets.infrastructure.templates.access.lake import catalog_statements, lake_statements, sample_statements
from dataworks_assets.infrastructure.templates.database import DATABASE, USER, make_database
from dataworks_assets.infrastructure.templates.exchange import IS_PRODUCTION, SUBNETS, give, tags, take
from dataworks_assets.infrastructure.templates.pages import make_pages
from dataworks_assets.infrastructure.templates.partner import make_partner_reader

_WEBSERVER_PORT, _CODE_SERVER_PORT = 3000, 4000
_LOG_GROUP = "/app/dagster/"
_FULL_STORAGE_BYTES = 5 * 1024**3
_MINUTES = 60


@dataclass(frozen=True)
class _Service:
    """One of Dagster's services; `cpu` in thousandths of 1,024, `memory` in MiB."""

    title: str
    name: str
    cpu: int
    memory: int
    port: int | None = None


_SERVICES = (
    _Service("CodeServer", "code-server", 2048, 8192, _CODE_SERVER_PORT),
    _Service("Daemon", "daemon", 1024, 2048),
    _Service("Webserver", "webserver", 1024, 2048, _WEBSERVER_PORT),
)
"""Runs are processes of the code server, which is therefore sized for them."""


def dagster() -> Template:
    """Returns the stack's template."""
    template = parameters.template(
        "dataworks: Dagster's database and services",
        *(parameters.IMAGE, parameters.CERTIFICATE, parameters.OIDC_ISSUER, parameters.OIDC_AUTHORIZATION),
        *(parameters.OIDC_TOKEN, parameters.OIDC_USER_INFO, parameters.OIDC_CLIENT, parameters.OIDC_SECRET),
        *(parameters.DATABASE_CLASS, parameters.DEPLOYMENT, parameters.LOG_DAYS, parameters.INPUT_KEY),
        *(parameters.KEY_SERVICE_SECRET, parameters.METASTORE, parameters.METASTORE_SECRET, parameters.METASTORE_ROTATION),
        *(parameters.COLLECTION_SECRETS, parameters.PARTNER_ROLE),
    )
    template.add_condition(IS_PRODUCTION, Equals(Ref("Environment"), "production"))
    template.add_condition("IsDevelopment", Equals(Ref("Environment"), "development"))
    template.add_condition("HasInputKey", Not(Equals(Ref("InputKeyArn"), "")))
    template.add_condition("UsesGlue", Equals(Ref("Metastore"), "glue"))
    named = (Not(Equals(Ref(name), "")) for name in ("MetastoreSecretArn", "MetastoreRotationFunctionArn"))
    template.add_condition("RotatesMetastore", And(*named))
    template.add_resource(
        logs.LogGroup(
            "DagsterLogs",
            LogGroupName=_LOG_GROUP,
            RetentionInDays=Ref("LogDays"),
            KmsKeyId=take("DataKeyArn"),
            Tags=tags(),
        )
    )
    database = make_database(template)
    task_role, execution_role = _roles(template, database)
    make_partner_reader(template, task_role)
    target = make_pages(template, webserver_port=_WEBSERVER_PORT)
    _services(template, database, (task_role, execution_role), target)
    _alarms(template, database)
    return template


def _roles(template: Template, database: rds.DBInstance) -> tuple[iam.Role, iam.Role]:
    """Returns what Dagster may do, and what starts its containers."""
    trusted = trust("ecs-tasks.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}})
    task = template.add_resource(
        iam.Role(
            "DagsterRole",
            AssumeRolePolicyDocument=trusted,
            Policies=[
                iam.Policy(PolicyName="lake", PolicyDocument=document(lake_statements())),
                iam.Policy(PolicyName="dagster", PolicyDocument=document(dagster_statements(_cluster_roles()))),
                iam.Policy(PolicyName="database", PolicyDocument=document(database_statements(_secret(database)))),
            ],
            Tags=tags(),
        )
    )
    for title, condition, statements in (
        ("DagsterUsesGlue", "UsesGlue", catalog_statements()),
        ("DagsterRotatesMetastore", "RotatesMetastore", rotation_statements()),
        ("DagsterWritesSamples", "IsDevelopment", sample_statements()),
    ):
        template.add_resource(
            iam.PolicyType(title, PolicyName=title, Roles=[Ref(task)], PolicyDocument=document(statements), Condition=condition)
        )
    execution = template.add_resource(
        iam.Role(
            "ContainerRole",
            AssumeRolePolicyDocument=trusted,
            Policies=[iam.Policy(PolicyName="start", PolicyDocument=document(container_statements()))],
            Tags=tags(),
        )
    )
    give(template, "DagsterRoleArn", GetAtt(task, "Arn"), "Role of Dagster's services and of its runs")
    return task, execution


def _cluster_roles() -> tuple[Any, Any]:
    return take("ServiceRoleArn"), take("NodeRoleArn")


def _secret(database: rds.DBInstance) -> GetAtt:
    """The secret in which RDS keeps the password, and rotates it."""
    return GetAtt(database, "MasterUserSecret.SecretArn")


def _services(template: Template, database: rds.DBInstance, roles: tuple[iam.Role, iam.Role], target: elb.TargetGroup) -> None:
    cluster = template.add_resource(
        ecs.Cluster(
            "Services",
            ClusterSettings=[ecs.ClusterSetting(Name="containerInsights", Value="enabled")],
            Tags=tags(),
        )
    )
    give(template, "ServiceCluster", Ref(cluster), "Cluster of Dagster's services")
    space = template.add_resource(
        servicediscovery.PrivateDnsNamespace("Names", Name=Sub("${Prefix}.internal"), Vpc=take("Vpc"), Tags=tags())
    )
    for service in _SERVICES:
        task = template.add_resource(_task(service, database, roles))
        said: dict[str, Any] = {}
        if service.name == "code-server":
            registry = template.add_resource(
                servicediscovery.Service(
                    "CodeServerName",
                    Name=service.name,
                    DnsConfig=servicediscovery.DnsConfig(
                        NamespaceId=Ref(space), DnsRecords=[servicediscovery.DnsRecord(Type="A", TTL="10")]
                    ),
                    HealthCheckCustomConfig=servicediscovery.HealthCheckCustomConfig(FailureThreshold=1),
                )
            )
            said["ServiceRegistries"] = [ecs.ServiceRegistry(RegistryArn=GetAtt(registry, "Arn"))]
        if service.name == "webserver":
            said["LoadBalancers"] = [
                ecs.LoadBalancer(ContainerName=service.name, ContainerPort=service.port, TargetGroupArn=Ref(target))
            ]
            said["DependsOn"] = "PagesListener"
        template.add_resource(
            ecs.Service(
                f"{service.title}Service",
                Cluster=Ref(cluster),
                ServiceName=service.name,
                TaskDefinition=Ref(task),
                DesiredCount=1,
                LaunchType="FARGATE",
                # Two daemons or code servers at once would both act: the old one has to end before the new one begins.
                DeploymentConfiguration=ecs.DeploymentConfiguration(MinimumHealthyPercent=0, MaximumPercent=100),
                NetworkConfiguration=ecs.NetworkConfiguration(
                    AwsvpcConfiguration=ecs.AwsvpcConfiguration(
                        AssignPublicIp="DISABLED", Subnets=SUBNETS, SecurityGroups=[take("DagsterGroup")]
                    )
                ),
                PropagateTags="SERVICE",
                Tags=tags(),
                **said,
            )
        )


def _task(service: _Service, database: rds.DBInstance, roles: tuple[iam.Role, iam.Role]) -> ecs.TaskDefinition:
    environment = {
        "DAGSTER_POSTGRES_HOST": GetAtt(database, "Endpoint.Address"),
        "DAGSTER_POSTGRES_PORT": GetAtt(database, "Endpoint.Port"),
        "DAGSTER_POSTGRES_DB": DATABASE,
        "DAGSTER_POSTGRES_USER": USER,
        "DAGSTER_POSTGRES_SECRET": _secret(database),
        "PGSSLROOTCERT": "/etc/dataworks/rds-ca.pem",
        "DATAWORKS_LOGS_BUCKET": take("LogBucket"),
        "DATAWORKS_CODE_SERVER_HOST": Sub("code-server.${Prefix}.internal"),
        "DATAWORKS_LISTEN_HOST": "0.0.0.0",  # noqa: S104 - of a container that only its security group reaches
        "DATAWORKS_DEPLOYMENT": Ref("Deployment"),
        "AWS_REGION": Ref("AWS::Region"),
    }
    said: dict[str, Any] = {}
    if service.port is not None:
        said["PortMappings"] = [ecs.PortMapping(ContainerPort=service.port)]
    container = ecs.ContainerDefinition(
        Name=service.name,
        Image=Ref("Image"),
        Command=["production/start", service.name],
        Environment=[ecs.Environment(Name=name, Value=value) for name, value in environment.items()],
        LogConfiguration=ecs.LogConfiguration(
            LogDriver="awslogs",
            Options={
                "awslogs-group": _LOG_GROUP,
                "awslogs-region": Ref("AWS::Region"),
                "awslogs-stream-prefix": service.name,
            },
        ),
        StopTimeout=120,  # a terminated run cancels its step first
        **said,
    )
    task, execution = roles
    return ecs.TaskDefinition(
        f"{service.title}Task",
        Family=Sub(f"${{Prefix}}-{service.name}"),
        Cpu=str(service.cpu),
        Memory=str(service.memory),
        NetworkMode="awsvpc",
        RequiresCompatibilities=["FARGATE"],
        TaskRoleArn=GetAtt(task, "Arn"),
        ExecutionRoleArn=GetAtt(execution, "Arn"),
        ContainerDefinitions=[container],
        Tags=tags(),
    )


def _alarms(template: Template, database: rds.DBInstance) -> None:
    told: dict[str, Any] = {
        "Period": 5 * _MINUTES,
        "EvaluationPeriods": 3,
        "AlarmActions": [take("NoticeTopicArn")],
        "OKActions": [take("NoticeTopicArn")],
    }
    template.add_resource(
        cloudwatch.Alarm(
            "DatabaseStorageLow",
            AlarmName=Sub("${Prefix}-database-storage-low"),
            AlarmDescription="Dagster's PostgreSQL runs out of storage; see the runbook, `database-storage-low`",
            Namespace="AWS/RDS",
            MetricName="FreeStorageSpace",
            Statistic="Minimum",
            Dimensions=[cloudwatch.MetricDimension(Name="DBInstanceIdentifier", Value=Ref(database))],
            ComparisonOperator="LessThanThreshold",
            Threshold=_FULL_STORAGE_BYTES,
            **told,
        )
    )
    for service in _SERVICES:
        template.add_resource(
            cloudwatch.Alarm(
                f"{service.title}NotRunning",
                AlarmName=Sub(f"${{Prefix}}-{service.name}-not-running"),
                AlarmDescription=f"Dagster's {service.name} does not run; see the runbook, `{service.name}-not-running`",
                Namespace="ECS/ContainerInsights",
                MetricName="RunningTaskCount",
                Statistic="Minimum",
                Dimensions=[
                    cloudwatch.MetricDimension(Name="ClusterName", Value=Ref("Services")),
                    cloudwatch.MetricDimension(Name="ServiceName", Value=service.name),
                ],
                ComparisonOperator="LessThanThreshold",
                Threshold=1,
                TreatMissingData="breaching",
                **told,
            )
        )
