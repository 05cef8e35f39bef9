"""What a deployer may choose, with defaults: the parameters of the templates, each described once."""

from __future__ import annotations

from dataclasses import dataclass

from troposphere import Parameter, Template

SUBNETS = "CommaDelimitedList"


@dataclass(frozen=True)
class Choice:
    """A parameter.

    Args:
        name: in templates and on the command line.
        meaning: what it decides, and what happens if it is left empty.
        default: None if the deployer has to give it.
        pattern: what a value must look like.
        kind: its CloudFormation type.
        allowed: the allowed values, if they are few.
    """

    name: str
    meaning: str
    default: str | None = None
    pattern: str = ""
    kind: str = "String"
    allowed: tuple[str, ...] = ()

    def parameter(self) -> Parameter:
        """The parameter in CloudFormation's form."""
        said: dict[str, object] = {"Type": self.kind, "Description": self.meaning}
        if self.default is not None:
            said["Default"] = self.default
        if self.pattern:
            said |= {"AllowedPattern": self.pattern, "ConstraintDescription": f"must match {self.pattern}"}
        if self.allowed:
            said["AllowedValues"] = list(self.allowed)
        return Parameter(self.name, **said)


_NAME = r"^[a-z][a-z0-9-]{2,30}$"
_OPTIONAL_VPC = r"^(vpc-[0-9a-f]+)?$"
_OPTIONAL_ARN = r"^(arn:aws[a-z-]*:.+)?$"
_PREFIX_LIST = r"^pl-[0-9a-f]+$"
_CIDR = r"^\d+\.\d+\.\d+\.\d+/\d+$"

PREFIX = Choice("Prefix", "What every name begins with; bucket names are one space in all of AWS.", "dataworks", _NAME)
ENVIRONMENT = Choice(
    "Environment",
    "Kind of environment; production keeps its data when a stack is deleted.",
    "development",
    allowed=("development", "qa", "integration", "preprod", "production"),
)
EXISTING_INPUT_BUCKET = Choice(
    "ExistingInputBucket", "The producer's bucket of data files; empty: one is made.", "", r"^[a-z0-9.-]{0,63}$"
)
EXISTING_MANIFEST_BUCKET = Choice(
    "ExistingManifestBucket", "The producer's bucket of manifests; empty: one is made.", "", r"^[a-z0-9.-]{0,63}$"
)
INPUT_KEY = Choice("InputKeyArn", "KMS key of the producer's buckets; empty: the platform's own.", "", _OPTIONAL_ARN)
FULL_EXPORT_TOPIC = Choice(
    "FullExportTopicArn", "Topic of the full export's completion messages; empty: none is subscribed to.", "", _OPTIONAL_ARN
)
INCREMENTAL_EXPORT_TOPIC = Choice("IncrementalExportTopicArn", "The same of the incremental export.", "", _OPTIONAL_ARN)
NOTICE_EMAIL = Choice(
    "NoticeEmail", "Address that gets every notice and alarm by e-mail; empty: none.", "", r"^([^@\s]+@[^@\s]+)?$"
)
SLACK_SECRET = Choice(
    "SlackSecretArn",
    'Secret by which notices and alarms are shown in Slack: JSON `{"token": …}` of an app that may `chat:write.customize`,'
    ' or `{"webhooks": {"#channel": …, "*": …}}`; empty: they are not shown there.',
    "",
    r"^(arn:aws[a-z-]*:secretsmanager:.+)?$",
)
SLACK_CHANNEL = Choice(
    "SlackChannel",
    "Where Slack shows alarms, and whatever names no channel; a notice names its own.",
    "#dataworks-aws-service-notifications",
    r"^#?[^\s#]{1,80}$",
)
LOG_DAYS = Choice("LogDays", "How long logs are kept, in days.", "90", allowed=("30", "60", "90", "180", "365", "731"))
EXISTING_VPC = Choice(
    "ExistingVpc", "Your own network; empty: one is made, private and without a way to the internet.", "", _OPTIONAL_VPC
)
EXISTING_SUBNETS = Choice(
    "ExistingSubnets",
    "Private subnets of your own network, at least two in different zones; with ExistingVpc alone.",
    "",
    kind=SUBNETS,
)
EXISTING_ROUTE_TABLES = Choice(
    "ExistingRouteTables",
    "Their route tables, which get the ways to S3 and DynamoDB; with ExistingVpc alone.",
    "",
    kind=SUBNETS,
)
NETWORK_RANGE = Choice("NetworkRange", "Addresses of the network that is made, or of your own.", "10.90.0.0/20", _CIDR)
MAKES_ENDPOINTS = Choice(
    "MakesEndpoints", "Whether the network gets VPC endpoints; `no` where yours has them.", "yes", allowed=("yes", "no")
)
S3_PREFIX_LIST = Choice(
    "S3PrefixList",
    "AWS' list of the addresses of S3 in this region (`aws ec2 describe-managed-prefix-lists`).",
    pattern=_PREFIX_LIST,
)
DYNAMODB_PREFIX_LIST = Choice("DynamodbPrefixList", "The same of DynamoDB.", pattern=_PREFIX_LIST)
PROMETHEUS_RANGE = Choice(
    "PrometheusRange", "Addresses from which Prometheus scrapes the clusters' exporters.", "10.0.0.0/24", _CIDR
)
USERS_RANGE = Choice("UsersRange", "Addresses from which people open Dagster's pages.", "10.0.0.0/16", _CIDR)
KEY_SERVICE_RANGE = Choice("KeyServiceRange", "Addresses of the key service.", "10.0.1.0/24", _CIDR)
METASTORE = Choice(
    "Metastore", "`glue`, or `hive` where the deployment names a Hive metastore.", "glue", allowed=("glue", "hive")
)
METASTORE_RANGE = Choice("MetastoreRange", "Addresses of the Hive metastore; without effect for Glue.", "10.0.2.0/24", _CIDR)
METASTORE_SECRET = Choice(
    "MetastoreSecretArn",
    "Secret whose text is the password of the Hive metastore's database, for clusters with Hive (`engine.emr.metastore`);"
    " empty: there is none.",
    "",
    _OPTIONAL_ARN,
)
METASTORE_ROTATION = Choice(
    "MetastoreRotationFunctionArn", "Lambda function by which that secret is rotated; empty: there is none.", "", _OPTIONAL_ARN
)
METASTORE_DATABASE_RANGE = Choice(
    "MetastoreDatabaseRange", "Addresses of the Hive metastore's database, for clusters with Hive.", "10.0.3.0/24", _CIDR
)
METASTORE_DATABASE_PORT = Choice(
    "MetastoreDatabasePort", "Port of that database; 0: no cluster reaches it.", "0", allowed=("0", "3306", "5432")
)
IN_TRANSIT_CERTIFICATES = Choice(
    "InTransitCertificates",
    "S3 address of a zip with the PEM certificates by which nodes of a cluster encrypt what they say to each other.",
    pattern=r"^s3://[^/]+/.+\.zip$",
)
KEY_SERVICE_SECRET = Choice(
    "KeyServiceSecretArn",
    "Secret with certificate and key by which jobs identify themselves to the key service.",
    pattern=r"^arn:aws[a-z-]*:.+$",
)
COLLECTION_SECRETS = Choice(
    "CollectionSecretsPath",
    "Where the secrets lie that configure collections.",
    "/concourse/dataworks/adg",
    r"^/[A-Za-z0-9/_-]+$",
)
PARTNER_ROLE = Choice(
    "PartnerRoleArn",
    "Role in the partner's account by which Kickstart reads their bucket; empty: no role of ours is made that may assume it.",
    "",
    r"^(arn:aws[a-z-]*:iam::\d{12}:role/.+)?$",
)
IMAGE = Choice("Image", "Container image of Dagster with this project, by digest.", pattern=r"^.+@sha256:[0-9a-f]{64}$")
CERTIFICATE = Choice("CertificateArn", "Certificate of the address of Dagster's pages.", pattern=r"^arn:aws[a-z-]*:acm:.+$")
OIDC_ISSUER = Choice("OidcIssuer", "Issuer by which people sign in before they see a page.", pattern=r"^https://.+$")
OIDC_AUTHORIZATION = Choice("OidcAuthorizationEndpoint", "Its authorisation endpoint.", pattern=r"^https://.+$")
OIDC_TOKEN = Choice("OidcTokenEndpoint", "Its token endpoint.", pattern=r"^https://.+$")
OIDC_USER_INFO = Choice("OidcUserInfoEndpoint", "Its user info endpoint.", pattern=r"^https://.+$")
OIDC_CLIENT = Choice("OidcClientId", "The client id of these pages there.")
OIDC_SECRET = Choice(
    "OidcSecretArn", "Secret whose `client_secret` is the client's.", pattern=r"^arn:aws[a-z-]*:secretsmanager:.+$"
)
DEPLOYMENT = Choice("Deployment", "The deployment of the configuration that these services run.", "aws", r"^[a-z][a-z0-9_-]*$")
DATABASE_CLASS = Choice("DatabaseClass", "Instance class of Dagster's PostgreSQL.", "db.t4g.medium", r"^db\.[a-z0-9.]+$")
ALL = (
    *(PREFIX, ENVIRONMENT, EXISTING_INPUT_BUCKET, EXISTING_MANIFEST_BUCKET, INPUT_KEY, FULL_EXPORT_TOPIC),
    *(
        INCREMENTAL_EXPORT_TOPIC,
        NOTICE_EMAIL,
        SLACK_SECRET,
        SLACK_CHANNEL,
        LOG_DAYS,
        EXISTING_VPC,
        EXISTING_SUBNETS,
        EXISTING_ROUTE_TABLES,
    ),
    *(
        NETWORK_RANGE,
        MAKES_ENDPOINTS,
        S3_PREFIX_LIST,
        DYNAMODB_PREFIX_LIST,
        PROMETHEUS_RANGE,
        USERS_RANGE,
        KEY_SERVICE_RANGE,
        METASTORE,
        METASTORE_RANGE,
        METASTORE_DATABASE_RANGE,
        METASTORE_DATABASE_PORT,
    ),
    *(METASTORE_SECRET, METASTORE_ROTATION, PARTNER_ROLE),
    *(IN_TRANSIT_CERTIFICATES, KEY_SERVICE_SECRET, COLLECTION_SECRETS, IMAGE, CERTIFICATE),
    *(OIDC_ISSUER, OIDC_AUTHORIZATION, OIDC_TOKEN, OIDC_USER_INFO, OIDC_CLIENT, OIDC_SECRET, DEPLOYMENT, DATABASE_CLASS),
)
"""All parameters."""


def template(description: str, *choices: Choice) -> Template:
    """Returns an empty template with these parameters."""
    made = Template(Description=description)
    made.set_version("2010-09-09")
    for choice in (PREFIX, ENVIRONMENT, *choices):
        made.add_parameter(choice.parameter())
    return made
