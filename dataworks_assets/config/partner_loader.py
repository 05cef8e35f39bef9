"""Loads Kickstart's collections from YAML files; reports all problems, each with file, line and remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from dataworks_assets.config.files import collection_file
from dataworks_assets.config.kickstart import KickstartConfig, PartnerCollectionConfig, PartnerModule
from dataworks_assets.config.problems import Problem, model_problems, nearest
from dataworks_assets.config.yaml_source import Location, YamlSource, read_yaml
from spark.errors import ConfigurationError

_FILE_KEYS = ("defaults", "collections")
_KEY_FIELDS = ("module", "collection")


def load_partner_collections(
    kickstart: KickstartConfig, folder: Path | None, *, where: str
) -> Iterator[PartnerCollectionConfig | Problem]:
    """Yields the collections in a deployment's files, and their problems.

    Args:
        kickstart: names the files.
        folder: the folder of further configuration, if there is one.
        where: the deployment's file, for problems with the names.
    """
    tables: dict[str, tuple[PartnerCollectionConfig, str]] = {}
    for name in kickstart.files:
        path = collection_file(name, folder)
        if path is None:
            yield Problem(where, f"there is no file {name!r}", "Name it from the configuration's folder")
            continue
        try:
            source = read_yaml(path)
        except ConfigurationError as error:
            yield Problem(error.where, error.what, error.remedy)
            continue
        for found in _of_file(source):
            yield found if isinstance(found, Problem) else found[0]
            if not isinstance(found, Problem):
                yield from _clash(tables, *found)


def _of_file(source: YamlSource) -> Iterator[tuple[PartnerCollectionConfig, str] | Problem]:
    for key in source.data:
        if key not in _FILE_KEYS:
            yield Problem(source.where((key,)), f"unknown key {key!r}", nearest(str(key), _FILE_KEYS))
    defaults, entries = (source.data.get(key) or {} for key in _FILE_KEYS)
    if not isinstance(defaults, dict) or not isinstance(entries, dict):
        yield Problem(source.where(("collections",)), "defaults and collections are mappings", "Write `key: value` below them")
        return
    for name, entry in entries.items():
        yield _collection(source, str(name), entry or {}, defaults)


def _collection(
    source: YamlSource, name: str, entry: object, defaults: dict[str, object]
) -> tuple[PartnerCollectionConfig, str] | Problem:
    at: Location = ("collections", name)
    module, slash, collection = name.partition("/")
    if not slash or not isinstance(entry, dict):
        remedy = f"Write `<module>/<collection>:` (modules: {', '.join(PartnerModule)}) and its fields below"
        return Problem(source.where(at), f"{name!r} is no collection of a module", remedy)

    def where(location: Location) -> str:
        if location and location[0] in entry:
            return source.where((*at, *location))
        return source.where(("defaults", *location)) if location and location[0] in defaults else source.where(at)

    try:
        values = {**defaults, **entry, "module": module, "collection": collection}
        return PartnerCollectionConfig.model_validate(values), source.where(at)
    except ValidationError as error:
        return next(iter(model_problems(error, PartnerCollectionConfig, where, keys_elsewhere=_KEY_FIELDS)))


def _clash(
    tables: dict[str, tuple[PartnerCollectionConfig, str]], config: PartnerCollectionConfig, where: str
) -> Iterable[Problem]:
    """Refuses two collections with the same table, or the same asset as Dagster folds names, naming both."""
    for claim in (f"the table {config.table_name}", f"the asset {config.name.replace('-', '_')}"):
        other, place = tables.setdefault(claim, (config, where))
        if other is not config:
            yield Problem(where, f"{config.name} and {other.name} ({place}) both need {claim}", "Give one another `table`")
            return
