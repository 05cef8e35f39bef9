"""What an export's prefix holds: data files joined with their manifests, and what is wrong with the set of files.

A slice is the half-open range [start, end) of the row key's first byte, as the producer scans it: `045-050` and
`050-055` do not overlap. An end of 000 means the end of the key space; a slice whose start is its end holds that one
value. Contents are not read here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from spark.contract import DataFile, Finding
from spark.sources.names import DATA_SUFFIX, MANIFEST_SUFFIX, ObjectName, parse_data_name, parse_manifest_name
from spark.store import Listed, ObjectStore

_KEY_SPACE_END = 256
_AGAIN = "Have the producer export this day again"


@dataclass(frozen=True)
class ExportListing:
    """One day's export of one snapshot type, as it lies in the store.

    Attributes:
        files: every data file by topic, in order of slice, batch and address.
        findings: by topic, what the audit must know of its set of files; a failed one refuses the topic's day. A topic
            can have findings and no files (all were lost).
        foreign: the addresses of objects that are neither a data file nor a manifest.
        newest_change_utc: when the newest of all objects was written; None where there is none.
        object_count: how many objects lie under both prefixes, the foreign ones too; 0 means not exported.
        missing_manifests: by topic, a finding for each data file without a manifest, for where one is required.
    """

    files: dict[str, tuple[DataFile, ...]]
    findings: dict[str, tuple[Finding, ...]]
    foreign: tuple[str, ...]
    newest_change_utc: datetime | None
    object_count: int
    missing_manifests: dict[str, tuple[Finding, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Named:
    """A listed object whose name could be parsed."""

    name: ObjectName
    listed: Listed
    folder: str
    """Its folder below the listed prefix."""

    @property
    def below(self) -> str:
        """Its address below the listed prefix, without its suffix."""
        return f"{self.folder}/{self.name.stem}".lstrip("/")


def list_export(store: ObjectStore, data_uri: str, manifest_uri: str | None, *, manifest_required: bool) -> ExportListing:
    """Lists one export and joins its data files with their manifests by base name.

    Where a base name lies under several (nested) prefixes, a data file belongs with the manifest in the same nested
    prefix; both files are listed.

    Args:
        store: where the export lies.
        data_uri: the prefix of the data files.
        manifest_uri: the prefix of the manifests; None if the deployment has none.
        manifest_required: whether a data file without a manifest refuses its topic; applies to every topic.

    Raises:
        AccessError, StoreError: a listing was refused or failed.
    """
    objects = list(store.list(data_uri))
    data, not_data = _understand(objects, data_uri, parse_data_name)
    manifests: list[_Named] = []
    other: list[Listed] = []
    if manifest_uri is not None:
        others = list(store.list(manifest_uri))
        manifests, other = _understand(others, manifest_uri, parse_manifest_name)
        objects += others
    known = {each.listed.uri for each in (*data, *manifests)}
    foreign = {listed.uri for listed in (*not_data, *other)} - known
    files: dict[str, tuple[DataFile, ...]] = {}
    findings: dict[str, tuple[Finding, ...]] = {}
    missing: dict[str, tuple[Finding, ...]] = {}
    by_topic, manifests_by_topic = _by_topic(data), _by_topic(manifests)
    for topic in sorted(by_topic.keys() | manifests_by_topic.keys()):
        joined = _join(by_topic.get(topic, []), manifests_by_topic.get(topic, []))
        if joined.files:
            files[topic] = joined.files
        missing[topic] = tuple(joined.without_manifest(data_uri, manifest_uri)) if manifest_uri is not None else ()
        required = missing[topic] if manifest_required else ()
        found = (*joined.without_file(), *required, *joined.copied(), *_slice_findings(topic, by_topic.get(topic, [])))
        if found:
            findings[topic] = found
    return ExportListing(
        files=files,
        findings=findings,
        foreign=tuple(sorted(foreign)),
        newest_change_utc=max((listed.modified_utc for listed in objects), default=None),
        object_count=len({listed.uri for listed in objects}),
        missing_manifests=missing,
    )


def _understand(
    objects: list[Listed], prefix_uri: str, parse: Callable[[str], ObjectName | None]
) -> tuple[list[_Named], list[Listed]]:
    understood: list[_Named] = []
    foreign: list[Listed] = []
    for listed in objects:
        path, _, base = listed.uri.rpartition("/")
        name = parse(base)
        if name is None:
            foreign.append(listed)
        else:
            understood.append(_Named(name, listed, path.removeprefix(prefix_uri.rstrip("/"))))
    return understood, foreign


def _by_topic(objects: list[_Named]) -> dict[str, list[_Named]]:
    topics: dict[str, list[_Named]] = defaultdict(list)
    for each in sorted(objects, key=lambda each: (each.name, each.listed.uri)):
        topics[each.name.topic].append(each)
    return topics


@dataclass(frozen=True)
class _Joined:
    """The data files of one topic with their manifests, unmatched files, and files that share a name."""

    files: tuple[DataFile, ...]
    lost: tuple[_Named, ...]
    twins: tuple[tuple[DataFile, ...], ...]

    def without_file(self) -> Iterator[Finding]:
        """Yields a finding for each manifest whose data file is missing."""
        for manifest in self.lost:
            yield _failed(
                "manifest",
                manifest.listed.uri,
                f"the data file {manifest.below}{DATA_SUFFIX} of this manifest is not there: it was lost",
            )

    def without_manifest(self, data_uri: str, manifest_uri: str) -> Iterator[Finding]:
        """Yields a finding for each data file whose manifest is missing, with the address where it was expected."""
        for file in self.files:
            if file.manifest is None:
                below = file.source.uri.removeprefix(data_uri.rstrip("/")).removesuffix(DATA_SUFFIX)
                expected = f"{manifest_uri.rstrip('/')}{below}{MANIFEST_SUFFIX}"
                yield _failed("manifest", file.source.uri, f"the data file has no manifest: {expected} is not there")

    def copied(self) -> Iterator[Finding]:
        """Yields a finding for each name that several files share."""
        for twins in self.twins:
            yield _twin_finding(twins)


def _join(data: list[_Named], manifests: list[_Named]) -> _Joined:
    """Pairs data files with manifests: by folder and name, or by name alone if there is one of each."""
    by_place = {(each.folder, each.name): each for each in manifests}
    by_name = _grouped(manifests)
    data_by_name = _grouped(data)
    used: set[str] = set()
    files: list[DataFile] = []
    for each in data:
        manifest = by_place.get((each.folder, each.name))
        candidates = by_name.get(each.name, [])
        if manifest is None and len(candidates) == len(data_by_name[each.name]) == 1:
            manifest = candidates[0]
        if manifest is not None:
            used.add(manifest.listed.uri)
        files.append(
            DataFile(
                source=each.listed.source,
                slice_start=each.name.slice_start,
                slice_end=each.name.slice_end,
                batch=each.name.batch,
                manifest=manifest.listed.source if manifest else None,
            )
        )
    by_uri = {file.source.uri: file for file in files}
    twins = tuple(tuple(by_uri[each.listed.uri] for each in same) for same in data_by_name.values() if len(same) > 1)
    return _Joined(tuple(files), tuple(each for each in manifests if each.listed.uri not in used), twins)


def _grouped(objects: list[_Named]) -> dict[ObjectName, list[_Named]]:
    groups: dict[ObjectName, list[_Named]] = defaultdict(list)
    for each in objects:
        groups[each.name].append(each)
    return groups


def _twin_finding(twins: tuple[DataFile, ...]) -> Finding:
    """Finding about files of the same name: all are read, but copies would double their rows and are refused."""
    first, *others = (file.source.uri for file in twins)
    bodies = [file.source.etag for file in twins]
    manifests = [file.manifest.etag for file in twins if file.manifest]
    copied = len(set(bodies)) < len(bodies) or len(set(manifests)) < len(manifests)
    return Finding(
        check="slices",
        passed=not copied,
        object=first,
        place=", ".join(others),
        cause="the same file lies under two prefixes" if copied else "files of the same name under two prefixes: all are read",
        remedy=_without_copy(twins) if copied else "",
    )


def _without_copy(twins: tuple[DataFile, ...]) -> str:
    """Returns the remedy. A copy's manifest has to go with it, else it would seem to belong to a lost file."""
    manifests = [file.manifest.uri for file in twins if file.manifest]
    return f"Remove the copy, and its manifest: one of {', '.join(manifests)}" if len(manifests) > 1 else "Remove the copy"


def _slice_findings(topic: str, data: list[_Named]) -> tuple[Finding, ...]:
    batches: dict[tuple[int, int], set[int]] = defaultdict(set)
    for each in data:
        batches[each.name.slice_start, each.name.slice_end].add(each.name.batch)
    found: list[Finding] = []
    for (start, end), numbers in sorted(batches.items()):
        found += _gap_findings(f"{topic}-{start:03d}-{end:03d}", numbers)
        if _slice_stop(start, end) <= start:
            found.append(_failed("slices", f"{topic}-{start:03d}-{end:03d}", "the slice ends before it starts"))
    return (*found, *_overlap_findings(topic, batches.keys()))


def _gap_findings(slice_name: str, numbers: set[int]) -> Iterator[Finding]:
    for before, after in pairwise(sorted(numbers | {0})):
        if after - before > 1:
            missing = f"{before + 1:06d}" + (f" to {after - 1:06d}" if after - before > 2 else "")  # noqa: PLR2004
            yield _failed("slices", slice_name, f"batch {missing} is missing: the producer lost it", f"before {after:06d}")
    if 0 in numbers:
        yield _failed("slices", slice_name, "batch 000000: batches are counted from 000001")


def _overlap_findings(topic: str, slices: Iterable[tuple[int, int]]) -> Iterator[Finding]:
    """Yields one finding for each slice that overlaps an earlier one."""
    reach: tuple[int, int] | None = None
    for start, end in sorted(slices):
        if reach is not None and start < _slice_stop(*reach):
            names = (f"{topic}-{low:03d}-{high:03d}" for low, high in (reach, (start, end)))
            yield _failed("slices", next(names), "the slice overlaps another: documents may be there twice", next(names))
        if reach is None or _slice_stop(start, end) > _slice_stop(*reach):
            reach = (start, end)


def _slice_stop(start: int, end: int) -> int:
    """The first key byte after the slice."""
    if end == start:
        return start + 1
    return _KEY_SPACE_END if end == 0 else end


def _failed(check: str, name: str, cause: str, place: str = "") -> Finding:
    return Finding(check=check, passed=False, object=name, place=place, cause=cause, remedy=_AGAIN)
