"""Dagster's UI by what a user sees and clicks: pages, lists, dialogs, tables."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Locator, Page, TimeoutError, expect

_POLL_MS = 2_000
_STARTS_MS = 120_000
_CLICKS, _FOLLOWED_MS = 3, 10_000
_QUIET_MS = 1_500


class Progress(NamedTuple):
    """How many partitions of an asset a backfill has in which state."""

    targeted: int
    in_progress: int
    succeeded: int
    failed: int


@dataclass(frozen=True)
class Ui:
    """A page of the browser.

    Args:
        page: playwright's.
        url: of Dagster's webserver.
        pictures: folder for pictures; None where none are wanted.
    """

    page: Page
    url: str
    pictures: Path | None

    def open(self, path: str) -> None:
        """Opens a place of the UI, its navigation folded to leave room."""
        self.page.goto(f"{self.url}{path}")
        self.page.wait_for_load_state("networkidle")
        fold = self.page.get_by_text("Hide navigation")
        if fold.is_visible():
            fold.click()

    def search(self, query: str) -> None:
        """Types a selection of assets into the field at the top."""
        self.page.locator(".CodeMirror").first.click()
        self.page.keyboard.type(query)
        self.page.keyboard.press("Enter")

    def tick(self, asset: str) -> None:
        """Ticks an asset of the list."""
        self.page.get_by_test_id(f"checkbox-{asset}").locator("xpath=..").click()

    def launch_backfill(self, query: str, assets: Iterable[str], days: tuple[str, str], *, picture: str = "") -> str:
        """Launches a backfill of assets that a selection finds over a range of days, and returns its place once it is shown."""
        dialog = self.choose_partitions(query, assets, days)
        if picture:
            self.take_picture(picture)
        dialog.get_by_role("button", name="Launch backfill").click()
        self._follow(self.page.get_by_text("View", exact=True), re.compile("/runs/b/"))
        return self.page.url.removeprefix(self.url)

    def _follow(self, link: Locator, place: re.Pattern[str]) -> None:
        """Clicks until the page changes: one may go astray while the note that has the link slides in."""
        for _ in range(_CLICKS):
            link.click()
            with suppress(TimeoutError):
                self.page.wait_for_url(place, timeout=_FOLLOWED_MS)
                return
        raise AssertionError(f"no click led to {place.pattern}")

    def choose_partitions(self, query: str, assets: Iterable[str], days: tuple[str, str]) -> Locator:
        """Opens the dialog that materialises assets that a selection finds, with a range of days chosen."""
        names = list(assets)
        self.open("/assets")
        self.search(query)
        for asset in names:
            self.tick(asset)
        self.page.get_by_role("button", name=re.compile("Materialize selected")).click()
        dialog = self.page.get_by_role("dialog")
        expect(dialog).to_contain_text(f"materialize {len(names)} assets" if len(names) > 1 else names[0].rpartition("/")[2])
        chosen = dialog.get_by_placeholder("No matching partitions")
        chosen.fill(f"[{days[0]}...{days[1]}]")
        chosen.press("Enter")
        count = (date.fromisoformat(days[1]) - date.fromisoformat(days[0])).days + 1
        expect(dialog).to_contain_text(f"{count} partitions")
        return dialog

    def configure(self, text: str) -> None:
        """Writes a run configuration into the launchpad, in the place of what stands there."""
        self.page.locator(".CodeMirror").last.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def runs_of(self, backfill: str) -> list[str]:
        """Returns the places of a backfill's runs, waiting for the first one."""
        self.open(f"{backfill}?tab=runs")
        runs = self.page.locator("a[href^='/runs/']").filter(has_text=re.compile(r"^\s*[0-9a-f]{8}\s*$"))
        expect(runs.first).to_be_visible(timeout=_STARTS_MS)
        return [run.get_attribute("href") or "" for run in runs.all()]

    def open_partition(self, asset: str, day: str) -> None:
        """Opens a partition of an asset by its list of partitions."""
        self.open(f"/assets/{asset}?view=partitions")
        names = self.page.get_by_placeholder("Filter by name")
        names.fill(day)
        self.page.get_by_title(day).first.click()
        names.fill("")
        expect(self.page.get_by_text("Latest materialization", exact=True)).to_be_visible()

    def metadata(self) -> dict[str, str]:
        """Returns the table of metadata that the page shows, as it is written there."""
        rows = self.page.locator("table tr")
        expect(rows.filter(has_text="location")).to_be_visible()
        cells = [row.locator("td").all_inner_texts() for row in rows.all()]
        return {name.strip(): value[0].strip() for name, *value in filter(None, cells) if value}

    def progress(self, asset: str) -> Progress | None:
        """Returns an asset's row of a backfill's page; None while it is not shown."""
        row = self._row(asset)
        if not row.is_visible():
            return None
        numbers = [int(text) for text in row.inner_text().split() if text.isdecimal()]
        return Progress(*numbers) if len(numbers) == len(Progress._fields) else None

    def wait_for_progress(self, asset: str, wanted: Progress, *, seconds: float) -> None:
        """Waits until a backfill's page shows an asset's partitions so, loading it anew, since it is slow to do so itself."""
        deadline_seconds = time.monotonic() + seconds
        while (seen := self.progress(asset)) != wanted:
            assert time.monotonic() < deadline_seconds, f"{asset}: the page shows {seen}, not {wanted}"
            self.page.wait_for_timeout(_POLL_MS)
            self.page.reload()
            self.page.wait_for_load_state("networkidle")

    def _row(self, asset: str) -> Locator:
        return self.page.locator("[class*=rowGrid]").filter(has=self.page.get_by_title(asset.replace("/", " / ")))

    def take_picture(self, name: str) -> None:
        """Takes a picture for the documents, once the page is quiet; nothing where none are wanted."""
        if self.pictures is None:
            return
        self.page.mouse.move(0, 0)
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_timeout(_QUIET_MS)
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.pictures / f"{name}.png")
