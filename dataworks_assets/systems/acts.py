"""What operators did by hand: who, when, what, to what; an object an act below the control prefix."""

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
"""Of a run that an operator started: the act."""
NO_RETRIES = {"dagster/max_retries": "0"}
"""Tag of jobs that act: one that failed is done again by whoever wants it, not by itself."""
_MOST_NAMED = 10
BY = "Who you are: Dagster's UI does not know it. Kept with the act."


class Act(Document, frozen=True):
    """One act.

    Args:
        id: names it; begins with its time.
        at_utc: when.
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
    """Returns an act that is about to be done now, by whoever this process is.

    Raises:
        ConfigurationError: nobody is named where this process belongs to nobody.
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
    """Returns what an act that starts a run says of it.

    Args:
        scope: the run's system.
        days: its days, or ranges of them.
        names: of the collections that are asked for; the first few are named, the run itself has them all.
        told: what it is told, as its configuration has it; what is None or empty is left out.
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
    """Keeps an act; before it is done, so that none is done unseen.

    Raises:
        StoreError: it cannot be kept: then it must not be done.
    """
    store.put(f"{control_uri}/acts/{act.id}.json", encode(act), create=True)


def read_acts(store: ObjectStore, control_uri: str) -> list[Act]:
    """Returns every act, the newest first."""
    uris = [listed.uri for listed in store.list(f"{control_uri}/acts")]
    bodies = zip(uris, store.read_many(uris), strict=True)
    return sorted(
        (decode(body, Act, where=uri) for uri, body in bodies if body is not None), key=lambda act: act.id, reverse=True
    )
