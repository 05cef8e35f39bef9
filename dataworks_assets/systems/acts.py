"""The audit trail of what operators did by hand (who, when, what, to what): one object per act below the control prefix."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.scope import Scope
from spark.contract import Document, decode, encode
from spark.errors import ConfigurationError
from spark.store import ObjectStore

COMMAND_LINE = "command line"
RUN = "run"
ACT_TAG = "dataworks/act"
"""Run tag of a run that an operator started: the id of the act."""
NO_RETRIES = {"dagster/max_retries": "0"}
"""Tag of the jobs that carry out acts: a failed one is never retried automatically; the operator starts it again."""
_MOST_NAMED = 10
BY = "Who you are: Dagster's UI does not know it. Kept with the act."


class Act(Document, frozen=True):
    """One thing that an operator did.

    Args:
        id: unique name; begins with the time of the act.
        at_utc: when it was done.
        what: the action: `clear`, `resend`, `run`, `start cluster`, `stop clusters`, `sweep clusters`, `rotate`.
        about: what it was done to, by name.
        identity: the AWS identity that acted, or why it is not known.
        by: the person, as far as it is known: the user of the machine, or what was typed in the UI.
        via: `command line`, or the run of Dagster that acted.
    """

    id: str
    at_utc: datetime
    what: str
    about: dict[str, str]
    identity: str
    by: str
    via: str


def new_act(platform: Platform, what: str, about: dict[str, str], *, by: str = "", via: str = COMMAND_LINE) -> Act:
    """Returns the record of an act that is about to be done, under the identity of this process.

    Raises:
        ConfigurationError: no person is named, and the process does not belong to one.
    """
    if via != COMMAND_LINE and not by.strip():
        raise ConfigurationError("nobody is named who does it", where="by", remedy="Say who you are: Dagster does not know it")
    at_utc = datetime.now(UTC)
    return Act(
        id=f"{at_utc:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
        at_utc=at_utc,
        what=what,
        about=about,
        identity=platform.caller_identity(),
        by=by.strip() or getpass.getuser(),
        via=via,
    )


def run_about(scope: Scope, days: Sequence[str], names: Collection[str], told: Mapping[str, object]) -> dict[str, str]:
    """Returns the text by which an act describes the run that it starts.

    Args:
        scope: the run's system.
        days: its days, or ranges of them.
        names: of the requested collections; only the first few are listed, the run itself has them all.
        told: the run's configuration; entries that are None or empty are left out.
    """
    said = {name: _text(value) for name, value in told.items() if value is not None and value != ""}
    return {"system": scope.name, "days": ", ".join(days), "collections": _named(names, scope), **said}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _named(names: Collection[str], scope: Scope) -> str:
    if set(names) >= set(scope.collections):
        return f"all {len(scope.collections)}"
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(sorted(names)[:_MOST_NAMED])}{more}"


def record_act(store: ObjectStore, control_uri: str, act: Act) -> None:
    """Stores an act. To be called before the act is done, so that none goes unrecorded.

    Raises:
        StoreError: it cannot be stored; the act must then not be done.
    """
    store.put(f"{control_uri}/acts/{act.id}.json", encode(act), create=True)


def read_acts(store: ObjectStore, control_uri: str) -> list[Act]:
    """Returns every act, the newest first."""
    uris = [listed.uri for listed in store.list(f"{control_uri}/acts")]
    bodies = zip(uris, store.read_many(uris), strict=True)
    return sorted(
        (decode(body, Act, where=uri) for uri, body in bodies if body is not None), key=lambda act: act.id, reverse=True
    )
