"""The network: private subnets without internet access, endpoints for the services in use, and security groups.

An existing network can be used instead: then only the endpoints (unless it has them) and the security groups are created.
"""

from __future__ import annotations

from typing import Any

from troposphere import Cidr, Equals, GetAtt, GetAZs, If, Join, Not, Ref, Select, Sub, Tags, Template, ec2

from dataworks_assets.config.nodes import JMX_PORTS, NODE_EXPORTER_PORT
from dataworks_assets.infrastructure import parameters
from dataworks_assets.infrastructure.templates.exchange import give, named

_ZONES = 2
_MAKES, _OWN_ENDPOINTS = "MakesNetwork", "MakesEndpoints"
_PREFIX_LISTS = {"s3": "S3PrefixList", "dynamodb": "DynamodbPrefixList"}
"""Services with gateway endpoints, and the parameters with their addresses."""
_INTERFACES = (
    *("elasticmapreduce", "glue", "sqs", "sns", "sts", "kms", "logs", "monitoring", "secretsmanager", "ec2"),
    *("ecr.api", "ecr.dkr"),
)
"""Every service that a cluster, a job or Dagster calls."""
_HTTPS, _METASTORE, _KEY_SERVICE, _POSTGRES, _CODE_SERVER, _WEBSERVER = 443, 9083, 8443, 5432, 4000, 3000
_HTTP_SERVICE_ACCESS = 9443


def network() -> Template:
    """Returns the stack's template."""
    template = parameters.template(
        "dataworks: network, endpoints, security groups",
        parameters.EXISTING_VPC,
        parameters.EXISTING_SUBNETS,
        parameters.EXISTING_ROUTE_TABLES,
        parameters.NETWORK_RANGE,
        parameters.MAKES_ENDPOINTS,
        parameters.PROMETHEUS_RANGE,
        parameters.USERS_RANGE,
        parameters.KEY_SERVICE_RANGE,
        parameters.METASTORE,
        parameters.METASTORE_RANGE,
        parameters.METASTORE_DATABASE_RANGE,
        parameters.METASTORE_DATABASE_PORT,
        parameters.S3_PREFIX_LIST,
        parameters.DYNAMODB_PREFIX_LIST,
    )
    template.add_condition(_MAKES, Equals(Ref("ExistingVpc"), ""))
    template.add_condition(_OWN_ENDPOINTS, Equals(Ref("MakesEndpoints"), "yes"))
    template.add_condition("HasMetastore", Equals(Ref("Metastore"), "hive"))
    template.add_condition("HasMetastoreDatabase", Not(Equals(Ref("MetastoreDatabasePort"), "0")))
    vpc, subnets, route_tables = _private_network(template)
    groups = _security_groups(template, vpc)
    _endpoints(template, vpc, subnets, route_tables, groups["Endpoints"])
    give(template, "Vpc", vpc, "The network")
    give(template, "Subnets", Join(",", subnets), "Private subnets of clusters and services")
    for title, group in groups.items():
        give(template, f"{title}Group", GetAtt(group, "GroupId"), f"Security group of {title}")
    return template


def _private_network(template: Template) -> tuple[Any, Any, Any]:
    """Returns the network, its subnets and their route tables: newly created, or the deployer's."""
    vpc = template.add_resource(
        ec2.VPC(
            "Network",
            CidrBlock=Ref("NetworkRange"),
            EnableDnsHostnames=True,
            EnableDnsSupport=True,
            Condition=_MAKES,
            Tags=named("network"),
        )
    )
    table = template.add_resource(ec2.RouteTable("Routes", VpcId=Ref(vpc), Condition=_MAKES, Tags=named("private")))
    made = []
    for zone in range(_ZONES):
        subnet = template.add_resource(
            ec2.Subnet(
                f"Subnet{zone + 1}",
                VpcId=Ref(vpc),
                CidrBlock=Select(zone, Cidr(GetAtt(vpc, "CidrBlock"), _ZONES, 11)),
                AvailabilityZone=Select(zone, GetAZs("")),
                MapPublicIpOnLaunch=False,
                Condition=_MAKES,
                # EMR's managed policy makes instances only where this tag is.
                Tags=named(f"private-{zone + 1}") + _for_emr(),
            )
        )
        template.add_resource(
            ec2.SubnetRouteTableAssociation(
                f"Subnet{zone + 1}Routes", SubnetId=Ref(subnet), RouteTableId=Ref(table), Condition=_MAKES
            )
        )
        made.append(Ref(subnet))
    return (
        If(_MAKES, Ref(vpc), Ref("ExistingVpc")),
        If(_MAKES, made, Ref("ExistingSubnets")),
        If(_MAKES, [Ref(table)], Ref("ExistingRouteTables")),
    )


def _for_emr() -> Tags:
    return Tags(**{"for-use-with-amazon-emr-managed-policies": "true"})


def _security_groups(template: Template, vpc: Any) -> dict[str, ec2.SecurityGroup]:
    """Makes a security group for each kind of machine; only what is named here is open."""
    meanings = {
        "Cluster": "Nodes of EMR clusters",
        "ClusterAccess": "access of EMR itself to nodes in private subnets",
        "Dagster": "webserver, daemon and code server of Dagster",
        "Database": "PostgreSQL of Dagster",
        "Pages": "load balancer before the pages of Dagster",
        "Endpoints": "VPC endpoints",
    }
    groups = {
        title: template.add_resource(
            ec2.SecurityGroup(
                f"{title}SecurityGroup",
                GroupDescription=f"dataworks: {meaning}",
                VpcId=vpc,
                # A group without an egress rule may reach everything.
                SecurityGroupEgress=[
                    ec2.SecurityGroupRule(IpProtocol="-1", CidrIp="127.0.0.1/32", Description="Nothing but what is named")
                ],
                Tags=named(title.lower()) + _for_emr(),
            )
        )
        for title, meaning in meanings.items()
    }
    ways = (
        ("Cluster", "Cluster", 0, 65535, "Nodes of a cluster talk to each other on many ports"),
        ("ClusterAccess", "Cluster", 8443, 8443, "EMR tells nodes what to do"),
        ("Cluster", "ClusterAccess", _HTTP_SERVICE_ACCESS, _HTTP_SERVICE_ACCESS, "Nodes answer EMR"),
        ("Cluster", "Endpoints", _HTTPS, _HTTPS, "Clusters call AWS"),
        ("Dagster", "Endpoints", _HTTPS, _HTTPS, "Dagster calls AWS"),
        ("Dagster", "Database", _POSTGRES, _POSTGRES, "Records of Dagster itself"),
        ("Dagster", "Dagster", _CODE_SERVER, _CODE_SERVER, "Webserver and daemon call the code server"),
        ("Pages", "Dagster", _WEBSERVER, _WEBSERVER, "Pages come from the webserver"),
    )
    for source, target, first, last, why in ways:
        _way(template, groups, (source, target), (first, last), why)
    _ranges(template, groups)
    return groups


def _way(
    template: Template, groups: dict[str, ec2.SecurityGroup], ends: tuple[str, str], ports: tuple[int, int], why: str
) -> None:
    """Lets one group reach another, by a rule at each end."""
    source, target = ends
    said: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": ports[0], "ToPort": ports[1], "Description": why}
    title = f"{source}To{target}{ports[0]}"
    template.add_resource(
        ec2.SecurityGroupIngress(
            f"{title}In",
            GroupId=GetAtt(groups[target], "GroupId"),
            SourceSecurityGroupId=GetAtt(groups[source], "GroupId"),
            **said,
        )
    )
    template.add_resource(
        ec2.SecurityGroupEgress(
            f"{title}Out",
            GroupId=GetAtt(groups[source], "GroupId"),
            DestinationSecurityGroupId=GetAtt(groups[target], "GroupId"),
            **said,
        )
    )


def _ranges(template: Template, groups: dict[str, ec2.SecurityGroup]) -> None:
    """Rules for sources and destinations that are known only by address."""
    for port in (*JMX_PORTS.values(), NODE_EXPORTER_PORT):
        _ingress(template, groups["Cluster"], "PrometheusRange", port, "Prometheus scrapes the exporters")
    _ingress(template, groups["Pages"], "UsersRange", _HTTPS, "People open the pages of Dagster")
    _egress(template, groups["Pages"], "0.0.0.0/0", _HTTPS, "The load balancer asks the issuer who signs in")
    database = (Ref("MetastoreDatabaseRange"), Ref("MetastoreDatabasePort"))
    why = "The metastore of a cluster works over its database"
    _egress(template, groups["Cluster"], *database, why, condition="HasMetastoreDatabase", name="MetastoreDatabase")
    for title in ("Cluster", "Dagster"):
        _egress(template, groups[title], Ref("KeyServiceRange"), _KEY_SERVICE, "Data keys are decrypted")
        _egress(template, groups[title], Ref("MetastoreRange"), _METASTORE, "Tables are registered", condition="HasMetastore")
        for gateway, prefix_list in _PREFIX_LISTS.items():
            template.add_resource(
                ec2.SecurityGroupEgress(
                    f"{title}To{gateway.title()}",
                    GroupId=GetAtt(groups[title], "GroupId"),
                    DestinationPrefixListId=Ref(prefix_list),
                    IpProtocol="tcp",
                    FromPort=_HTTPS,
                    ToPort=_HTTPS,
                    Description=f"{title} reaches {gateway} through its gateway endpoint",
                )
            )


def _ingress(template: Template, group: ec2.SecurityGroup, parameter: str, port: int, why: str) -> None:
    template.add_resource(
        ec2.SecurityGroupIngress(
            f"{group.title.removesuffix('SecurityGroup')}From{parameter}{port}",
            GroupId=GetAtt(group, "GroupId"),
            CidrIp=Ref(parameter),
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            Description=why,
        )
    )


def _egress(
    template: Template, group: ec2.SecurityGroup, target: Any, port: Any, why: str, *, condition: str = "", name: str = ""
) -> None:
    said: dict[str, Any] = {"Condition": condition} if condition else {}
    template.add_resource(
        ec2.SecurityGroupEgress(
            f"{group.title.removesuffix('SecurityGroup')}To{name or port}",
            GroupId=GetAtt(group, "GroupId"),
            CidrIp=target,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            Description=why,
            **said,
        )
    )


def _endpoints(template: Template, vpc: Any, subnets: Any, route_tables: Any, group: ec2.SecurityGroup) -> None:
    for service in _PREFIX_LISTS:
        template.add_resource(
            ec2.VPCEndpoint(
                f"{service.title()}Endpoint",
                ServiceName=Sub(f"com.amazonaws.${{AWS::Region}}.{service}"),
                VpcId=vpc,
                VpcEndpointType="Gateway",
                RouteTableIds=route_tables,
                Condition=_OWN_ENDPOINTS,
            )
        )
    for service in _INTERFACES:
        template.add_resource(
            ec2.VPCEndpoint(
                "".join(part.title() for part in service.split(".")) + "Endpoint",
                ServiceName=Sub(f"com.amazonaws.${{AWS::Region}}.{service}"),
                VpcId=vpc,
                VpcEndpointType="Interface",
                SubnetIds=subnets,
                SecurityGroupIds=[GetAtt(group, "GroupId")],
                PrivateDnsEnabled=True,
                Condition=_OWN_ENDPOINTS,
            )
        )
