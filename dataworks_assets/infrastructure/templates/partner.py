"""Access to a partner's bucket in their account: our role, the first of Kickstart's chain, which the partner's role trusts."""

from __future__ import annotations

from typing import Any

from troposphere import Equals, Export, GetAtt, Not, Output, Ref, Sub, Template, iam

from dataworks_assets.infrastructure.permissions import CHAINED, document, trust_of_roles
from dataworks_assets.infrastructure.templates.access.lake import partner_statements
from dataworks_assets.infrastructure.templates.exchange import tags, take

_HAS_PARTNER = "HasPartner"


def make_partner_reader(template: Template, dagster_role: iam.Role) -> None:
    """Adds the role, if the partner's role is given.

    Roles of the account need no permission of their own to assume a role whose trust policy names them.

    Args:
        template: of Dagster's stack, which comes after the clusters' and knows both of its users.
        dagster_role: lists the partner's files; the clusters' nodes read them.
    """
    template.add_condition(_HAS_PARTNER, Not(Equals(Ref("PartnerRoleArn"), "")))
    users: list[Any] = [GetAtt(dagster_role, "Arn"), take("NodeRoleArn")]
    reader = template.add_resource(
        iam.Role(
            "PartnerReaderRole",
            AssumeRolePolicyDocument=trust_of_roles(users, CHAINED),
            Policies=[iam.Policy(PolicyName="partner", PolicyDocument=document(partner_statements()))],
            Condition=_HAS_PARTNER,
            Tags=tags(),
        )
    )
    template.add_output(
        Output(
            "PartnerReaderRoleArn",
            Value=GetAtt(reader, "Arn"),
            Description="First role of kickstart.roles; the one that the partner's role has to trust",
            Export=Export(Sub("${Prefix}-PartnerReaderRoleArn")),
            Condition=_HAS_PARTNER,
        )
    )
