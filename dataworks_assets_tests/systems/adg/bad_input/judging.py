"""How a judged input is tried: one collection whose input is doubtful beside one whose input is well."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from dataclasses import replace

from dataworks_assets.stack.sample.wire import FIXED_KEY, EncodedFile, Record, encode_manifest, encrypt
from dataworks_assets_tests.systems.adg.whole_path import DAY, Outcome, World, encoded
from spark.contract import Finding, PartitionState

STATEMENT, CLAIMANT = "db.core.statement", "db.core.claimant"
DOUBTFUL, WELL = "core/statement", "core/claimant"
IV = bytes(range(16))
EXPORT_AGAIN = "Have the producer export this day again"


def file_of(records: Sequence[Record], *, batch: int = 1) -> EncodedFile:
    """A data file of the doubtful collection, to be spoiled."""
    return encoded(STATEMENT, records, batch=batch)


def inflating_to(compressed: bytes, records: Sequence[Record]) -> EncodedFile:
    """A data file that decrypts to these bytes, with the manifest of the records."""
    metadata = file_of(records).metadata | {"iv": base64.b64encode(IV).decode()}
    return replace(file_of(records), body=encrypt(compressed, FIXED_KEY.plaintext, IV), metadata=metadata)


def holding(text: bytes, records: Sequence[Record]) -> EncodedFile:
    """A data file of this very text, with the manifest of the records."""
    return inflating_to(gzip.compress(text), records)


def listing(file: EncodedFile, records: Sequence[Record]) -> EncodedFile:
    """The same file, its manifest of other records."""
    return replace(file, manifest=encode_manifest(records, topic=file.topic))


def refused(world: World, *, state: PartitionState = PartitionState.REFUSED, **request: object) -> Outcome:
    """Runs both collections: the doubtful one must not be published, the other must, and the refusal must be kept."""
    outcome = world.run(DOUBTFUL, WELL, **request)
    assert outcome.error is None
    assert world.table(DOUBTFUL) is None
    assert world.ids(WELL) == ["s100", "s101"]
    assert outcome.published() == {(WELL, DAY.isoformat())}
    assert not outcome.check(DOUBTFUL).passed
    assert outcome.check(WELL).passed
    assert [(failed.collection, failed.lies_in_data) for failed in outcome.failures] == [
        (DOUBTFUL, state is PartitionState.REFUSED)
    ]
    assert world.refusals()[DOUBTFUL, DAY.isoformat()].state is state
    return outcome


def accepted(world: World, **request: object) -> Outcome:
    """Runs both collections: both must be published."""
    outcome = world.run(DOUBTFUL, WELL, **request)
    assert outcome.error is None
    assert outcome.failures == ()
    assert outcome.published() == {(DOUBTFUL, DAY.isoformat()), (WELL, DAY.isoformat())}
    return outcome


def told(outcome: Outcome, finding: Finding) -> bool:
    """Whether the run's log and its failure say object, place (or the failure's day), cause and remedy of a finding."""
    parts = (finding.object, finding.place, finding.cause, finding.remedy)
    lines = [line for line in outcome.events.lines if line.startswith("ERROR")]
    causes = [f"{failed.day}: {failed.cause}" for failed in outcome.failures]
    return all(any(part in text for text in texts) for texts in (lines, causes) for part in parts)
