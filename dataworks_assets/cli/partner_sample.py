"""Writing the partner's sample files, as the partner: for `dataworks sample write --system kickstart` and the demo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
from rich.console import Console

from dataworks_assets.cli.certificates import key_service_here
from dataworks_assets.cli.showing import bytes_text, number, table
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.config.kickstart import PartnerModule
from dataworks_assets.config.services import EMBEDDED
from dataworks_assets.stack.partner import expire_soon
from dataworks_assets.stack.sample.partner import EXPIRING_DAYS, MISSING_DAY, PartnerFile, PartnerSample, write_partner_sample
from dataworks_assets.systems.kickstart.access import source_store
from dataworks_assets.systems.kickstart.days import refuse_test_folder
from dataworks_assets.systems.kickstart.scope import KickstartScope
from dataworks_assets.systems.platform import Platform
from spark.sources.keys import DataKey, KeyService

DAYS = 10
_KEPT_KEY = "_stack/kickstart-sample-key.json"
COLLECTIONS = {"vacancy": "vacancies", "application": "applicants", "payment": "payments"}


@dataclass(frozen=True)
class PartnerWritten:
    """What was written; `days` are all requested days, in order."""

    days: tuple[date, ...]
    files: tuple[PartnerFile, ...]

    def expected_failures(self) -> set[tuple[str, str]]:
        """Returns the (collection, day) pairs that cannot be published: the missing one, and what waits behind it."""
        return {("payment/payments", day.isoformat()) for day in self.days[len(self.days) - 1 - MISSING_DAY :]}


def write_partner_files(
    workplace: Workplace, days: Sequence[date], *, is_test: bool = False, rows: int = 200, seed: int = 1
) -> PartnerWritten:
    """Writes the partner's files of some days; existing files are left alone.

    Raises:
        ConfigurationError: the deployment is a real one, or has no Kickstart.
        StoreError, AccessError: the partner's store refused or failed.
    """
    scope = workplace.kickstart
    refuse_test_folder(scope)  # a sample is a test's data wherever it lies
    platform = workplace.platform
    sample = PartnerSample(
        days=tuple(days),
        prefix_of=lambda module, day: scope.prefix_uri(PartnerModule(module), day, is_test=is_test),
        rows=rows,
        seed=seed,
    )
    written = write_partner_sample(source_store(platform, run_id="sample"), sample, lambda: _data_key(platform))
    if scope.source.endpoint == EMBEDDED and not is_test:
        _expire_last(workplace, scope, days[-1])
    return PartnerWritten(tuple(days), tuple(written))


def _data_key(platform: Platform) -> DataKey:
    """Returns the sample's data key, made once: the partner's bucket forgets its files with each start of the stack.

    What is kept of it is what every encrypted file carries; only the key service can make a key of that.
    """
    with key_service_here(platform) as settings:
        return _kept_key(platform, KeyService(settings, correlation_id="sample-kickstart"))


def _kept_key(platform: Platform, keys: KeyService) -> DataKey:
    deployment = platform.running.deployment
    uri = f"{deployment.store.scheme}://{deployment.buckets.logs}/{_KEPT_KEY}"
    if platform.store.exists(uri):
        kept = msgspec.json.decode(platform.store.read(uri), type=dict[str, str])
        pair = (kept["ciphertext"], kept["key_id"])
        plaintext = keys.resolve([pair])[pair]
        if isinstance(plaintext, bytes):
            return DataKey(plaintext, *pair)
    made = keys.new_key()
    platform.store.put(uri, msgspec.json.encode({"ciphertext": made.ciphertext, "key_id": made.key_id}))
    return made


def show_partner_files(console: Console, written: PartnerWritten) -> None:
    """Prints what was written, a line a module and day."""
    if not written.files:
        console.print(f"Everything from {written.days[0]} to {written.days[-1]} lies there already.")
        return
    shown = table("Module", "Day", "Files", "Rows", "Size", right=("Files", "Rows", "Size"))
    for module in COLLECTIONS:
        for day in written.days:
            files = [file for file in written.files if (file.module, file.day) == (module, day)]
            size = bytes_text(sum(file.size_bytes for file in files)) if files else "missing"
            shown.add_row(module, day.isoformat(), number(len(files)), number(sum(file.rows for file in files)), size)
    console.print(shown)


def _expire_last(workplace: Workplace, scope: KickstartScope, day: date) -> None:
    """Lets the partner delete one day's payments early: it waits behind the missing one, and is to raise the alarm."""
    source = KickstartScope(workplace.platform.running).source
    prefix = scope.prefix_uri(PartnerModule.PAYMENT, day).removeprefix(f"{source.scheme}://{source.bucket}/")
    expire_soon(source.endpoint or "", prefix, days=EXPIRING_DAYS)
