"""Dagster's web pages: a load balancer inside the network that authenticates users before the webserver is reached."""

from __future__ import annotations

from troposphere import GetAtt, If, Ref, Sub, Template
from troposphere import elasticloadbalancingv2 as elb

from dataworks_assets.infrastructure.templates.exchange import IS_PRODUCTION, SUBNETS, give, tags, take


def make_pages(template: Template, *, webserver_port: int) -> elb.TargetGroup:
    """Makes them, for those whom the issuer knows, and returns where the webserver has to be registered."""
    balancer = template.add_resource(
        elb.LoadBalancer(
            "Pages",
            Scheme="internal",
            Type="application",
            Subnets=SUBNETS,
            SecurityGroups=[take("PagesGroup")],
            LoadBalancerAttributes=[
                elb.LoadBalancerAttributes(Key="routing.http.drop_invalid_header_fields.enabled", Value="true"),
                elb.LoadBalancerAttributes(Key="deletion_protection.enabled", Value=If(IS_PRODUCTION, "true", "false")),
            ],
            Tags=tags(),
        )
    )
    target = template.add_resource(
        elb.TargetGroup(
            "WebserverTargets",
            Protocol="HTTP",
            Port=webserver_port,
            TargetType="ip",
            VpcId=take("Vpc"),
            HealthCheckPath="/server_info",
            Tags=tags(),
        )
    )
    sign_in = elb.AuthenticateOidcConfig(
        Issuer=Ref("OidcIssuer"),
        AuthorizationEndpoint=Ref("OidcAuthorizationEndpoint"),
        TokenEndpoint=Ref("OidcTokenEndpoint"),
        UserInfoEndpoint=Ref("OidcUserInfoEndpoint"),
        ClientId=Ref("OidcClientId"),
        ClientSecret=Sub("{{resolve:secretsmanager:${OidcSecretArn}:SecretString:client_secret}}"),
    )
    template.add_resource(
        elb.Listener(
            "PagesListener",
            LoadBalancerArn=Ref(balancer),
            Port=443,
            Protocol="HTTPS",
            SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
            Certificates=[elb.Certificate(CertificateArn=Ref("CertificateArn"))],
            DefaultActions=[
                elb.Action(Type="authenticate-oidc", Order=1, AuthenticateOidcConfig=sign_in),
                elb.Action(Type="forward", Order=2, TargetGroupArn=Ref(target)),
            ],
        )
    )
    give(template, "PagesAddress", GetAtt(balancer, "DNSName"), "Address of Dagster's pages")
    return target
