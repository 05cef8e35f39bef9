"""Loads `Settings` from YAML files and secrets; reports all problems at once, each with file, line and remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from dataworks_assets.config.clashes import Placed, clashes
from dataworks_assets.config.collections import CollectionConfig
from dataworks_assets.config.deployment import Deployment
from dataworks_assets.config.environment import Environment, read_environment
from dataworks_assets.config.files import collection_file, deployment_file, extra_collection_files
from dataworks_assets.config.kickstart import PartnerCollectionConfig
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.partner_loader import load_partner_collections
from dataworks_assets.config.problems import Problem, model_problems, nearest, raise_problems
from dataworks_assets.config.secrets import SecretReader, merged, read_tags, secrets_manager
from dataworks_assets.config.settings import Settings
from dataworks_assets.config.yaml_source import Location, YamlSource, read_yaml
from spark.errors import ConfigurationError

T = TypeVar("T")
_FILE_KEYS = ("defaults", "collections")


def load_settings(
    deployment: str | None = None,
    *,
    environment: Environment | None = None,
    read_secret: SecretReader | None = None,
    opened: Callable[[Deployment, Environment], Deployment] = lambda deployment, _: deployment,
) -> Settings:
    """Loads the whole configuration.

    Args:
        deployment: its name; if None, the environment's.
        environment: replaces the process environment, for tests.
        read_secret: replaces AWS Secrets Manager, for tests.
        opened: fills in the addresses that a deployment leaves open; called if a secret has to be read.

    Raises:
        ConfigurationError: lists all problems, each with file, line and remedy.
        StackError: a secret is in the embedded stack, which is not running.
    """
    said = environment or read_environment()
    path = deployment_file(deployment or said.deployment, said.config_folder)
    source = read_yaml(path)
    loaded = _deployment(source, said)
    problems: list[Problem] = []
    files = _sorted_out(_collection_files(loaded, source, said), problems)
    placed = [one for file in files for one in _sorted_out(load_collections(file), problems)]
    reader = read_secret or secrets_manager(lambda: opened(loaded, said).aws)
    for snapshot_type in SnapshotType:
        if name := loaded.collections.secrets.of(snapshot_type):
            tags = read_tags(name, reader)
            placed = _sorted_out(merged(placed, snapshot_type, tags, name=name), problems)
    problems.extend(clashes(placed))
    partner: list[PartnerCollectionConfig] = []
    if loaded.kickstart is not None:
        where = source.where(("kickstart", "files"))
        partner = _sorted_out(load_partner_collections(loaded.kickstart, said.config_folder, where=where), problems)
    raise_problems(list(dict.fromkeys(problems)))
    return Settings(loaded, tuple(one.config for one in placed), said, (path, *files), tuple(partner))


def load_collections(path: Path) -> Iterator[Placed | Problem]:
    """Yields the collections of one file, and its problems."""
    try:
        source = read_yaml(path)
    except ConfigurationError as error:
        yield Problem(error.where, error.what, error.remedy)
        return
    for key in source.data:
        if key not in _FILE_KEYS:
            yield Problem(source.where((key,)), f"unknown key {key!r}", nearest(str(key), _FILE_KEYS))
    defaults, entries = (source.data.get(key) or {} for key in _FILE_KEYS)
    if not isinstance(defaults, dict) or not isinstance(entries, dict):
        key = "collections" if isinstance(defaults, dict) else "defaults"
        yield Problem(source.where((key,)), f"{key} is no mapping", "Write one entry a line below it: `key: value`")
        return
    for topic, entry in entries.items():
        yield from _collection(source, topic, entry or {}, defaults)


def _collection(source: YamlSource, topic: object, entry: object, defaults: dict[str, object]) -> Iterator[Placed | Problem]:
    at: Location = ("collections", str(topic))
    if not isinstance(entry, dict):
        yield Problem(source.where(at), f"the collection {topic} is no mapping", "Write its fields below it: `key: value`")
        return
    if "topic" in entry:
        yield Problem(source.where((*at, "topic")), "the topic is the entry's key", "Leave `topic` out")
        return

    def where(location: Location) -> str:
        if location and location[0] in entry:
            return source.where((*at, *location))
        return source.where(("defaults", *location)) if location and location[0] in defaults else source.where(at)

    try:
        config = CollectionConfig.model_validate({**defaults, **entry, "topic": topic})
    except ValidationError as error:
        yield from model_problems(error, CollectionConfig, where, keys_elsewhere=("topic",))
    else:
        yield Placed(config, source.where(at))


def _deployment(source: YamlSource, said: Environment) -> Deployment:
    try:
        loaded = Deployment.model_validate(_with_installation(source, said))
    except ValidationError as error:
        raise_problems(list(model_problems(error, Deployment, source.where)))
        raise
    if loaded.name != source.path.stem:
        raise_problems(
            [Problem(source.where(("name",)), f"the deployment {loaded.name!r} is not its file's name", "Rename one")]
        )
    return loaded


def _with_installation(source: YamlSource, said: Environment) -> dict[str, Any]:
    """Returns a deployment's fields merged over those of the installation that it names."""
    name = source.data.get("installation")
    if not isinstance(name, str):
        return source.data
    path = collection_file(name, said.config_folder)
    if path is None:
        remedy = "Write it by `dataworks infrastructure apply`, and name it from the configuration's folder"
        raise_problems([Problem(source.where(("installation",)), f"there is no file {name!r}", remedy)])
        return source.data
    return _over(source.data, read_yaml(path).data)


def _over(said: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Merges one mapping over another, recursively: values in `said` take precedence over those in `given`."""
    merged = {**given, **said}
    for key, value in said.items():
        if isinstance(value, dict) and isinstance(given.get(key), dict):
            merged[key] = _over(value, given[key])
    return merged


def _collection_files(deployment: Deployment, source: YamlSource, said: Environment) -> Iterator[Path | Problem]:
    """Yields each file once: the deployment's, those of the options that are on, then those of the extra folder."""
    sources = deployment.collections
    named: list[tuple[str, Location]] = [(name, ("collections", "files", index)) for index, name in enumerate(sources.files)]
    for option in said.options:
        if option not in sources.options:
            remedy = nearest(option, list(sources.options)) if sources.options else "Unset it: this deployment has none"
            yield Problem("DATAWORKS_OPTIONS", f"there is no option {option!r}", remedy)
        names = sources.options.get(option, ())
        named.extend((name, ("collections", "options", option, index)) for index, name in enumerate(names))
    seen: set[Path] = set()
    for name, location in named:
        found = collection_file(name, said.config_folder)
        if found is None:
            yield Problem(source.where(location), f"there is no file {name!r}", "Name it from the configuration's folder")
        elif found not in seen:
            seen.add(found)
            yield found
    yield from (path for path in extra_collection_files(said.config_folder) if path not in seen)


def _sorted_out(found: Iterator[T | Problem], problems: list[Problem]) -> list[T]:
    """Returns the valid items, and adds the others to the problems."""
    right: list[T] = []
    for one in found:
        if isinstance(one, Problem):
            problems.append(one)
        else:
            right.append(one)
    return right
