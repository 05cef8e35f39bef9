"""Collections configured by a secret: JSON whose `collections_all` maps topics to tags.

A secret is named by reference and read through a function, so that nothing but that function needs AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec
from pydantic import ValidationError

from dataworks_assets.config.clashes import Placed
from dataworks_assets.config.collections import CollectionConfig
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.problems import Problem, model_problems
from dataworks_assets.config.services import AwsConfig
from spark.errors import ConfigurationError

SecretReader = Callable[[str], str]
"""Returns a secret's text by its name; raises ConfigurationError if it cannot be read."""


class _Document(msgspec.Struct):
    collections_all: dict[str, dict[str, str]]


def secrets_manager(account: Callable[[], AwsConfig]) -> SecretReader:
    """Returns a reader of AWS Secrets Manager, whose address is looked up when a secret is read."""

    def read(name: str) -> str:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        aws = account()
        client = boto3.client("secretsmanager", region_name=aws.region, endpoint_url=aws.endpoint_url())
        try:
            return client.get_secret_value(SecretId=name)["SecretString"]
        except NoCredentialsError as error:
            remedy = "Log in to the account, as by `aws sso login`, or name a profile by AWS_PROFILE"
            raise ConfigurationError("there are no AWS credentials", where=f"secret {name}", remedy=remedy) from error
        except (BotoCoreError, ClientError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            raise ConfigurationError(
                f"the secret cannot be read: {code}",
                where=f"secret {name}",
                remedy="Give this role the right to read it, or correct its name in the deployment",
            ) from error

    return read


def read_tags(name: str, read: SecretReader) -> dict[str, dict[str, str]]:
    """Returns the tags of each topic in a secret. Its text is never part of an error.

    Raises:
        ConfigurationError: the secret cannot be read or has another shape.
    """
    try:
        return msgspec.json.decode(read(name), type=_Document).collections_all
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"the secret has not the expected shape: {error}",
            where=f"secret {name}",
            remedy='Write {"collections_all": {"db.<database>.<collection>": {"pii": "true", ...}}}',
        ) from None


def merged(
    placed: Iterable[Placed], snapshot_type: SnapshotType, tags: Mapping[str, Mapping[str, str]], *, name: str
) -> Iterator[Placed | Problem]:
    """Yields the collections of files and of one secret together.

    Args:
        placed: what the files configure.
        snapshot_type: the one the secret is for.
        tags: by topic, as the secret has them.
        name: the secret's.

    Yields:
        What only a file has, as it is; what the secret has, with the secret's tags and in all else as a file has it; and
        what the secret has wrong.
    """
    by_topic: dict[str, CollectionConfig] = {}
    for one in placed:
        kept = tuple(each for each in one.config.snapshot_types if each is not snapshot_type)
        if one.config.topic not in tags or len(kept) == len(one.config.snapshot_types):
            yield one
            by_topic.setdefault(one.config.topic, one.config)
            continue
        by_topic[one.config.topic] = one.config
        if kept:
            yield Placed(one.config.model_copy(update={"snapshot_types": kept}), one.where)
    for topic, own in tags.items():
        yield from _from_secret(topic, by_topic.get(topic), {"tags": own, "snapshot_types": (snapshot_type,)}, name)


def _from_secret(
    topic: str, base: CollectionConfig | None, said: Mapping[str, object], name: str
) -> Iterator[Placed | Problem]:
    where = f"secret {name}, {topic}"
    try:
        yield Placed(CollectionConfig.model_validate({**(dict(base) if base else {"topic": topic}), **said}), where)
    except ValidationError as error:
        yield from model_problems(error, CollectionConfig, lambda _: where)
