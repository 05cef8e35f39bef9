"""A stack with a sample export, `dagster dev` over it as `dataworks dev` starts it, and a browser that looks at it.

Needs a Chromium, which `make browser` sees to. With `DATAWORKS_SCREENSHOTS` the pictures of the documents are taken on the
way, into the folder that it names.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from dataworks_assets.cli.dagster_dev import dagster_dev
from dataworks_assets.cli.dagster_home import prepare_dagster_home
from dataworks_assets.cli.partner_sample import DAYS as PARTNER_DAYS
from dataworks_assets.cli.partner_sample import write_partner_files
from dataworks_assets.cli.sample import sample_request
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.stack.sample.export import write_sample
from dataworks_assets_tests.browser.ui import Ui
from dataworks_assets_tests.conftest import JARS

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
DAYS = tuple(YESTERDAY - timedelta(days=back) for back in (2, 1, 0))
WELL = ("db.transport.flights", "db.transport.weather", "db.core.contract")
BROKEN = "db.broken.badJson"
"""Exported on the last day alone, with a line that is no document; on a day without it there is an empty partition."""

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
)


@pytest.fixture(scope="session")
def workplace(stack) -> Iterator[Workplace]:
    """The deployment `local` in the stack's folder, with the collections of bad input, and a sample export of three days."""
    jars = stack.home / "jars"
    if not jars.exists():
        jars.symlink_to(JARS)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DAGSTER_HOME", raising=False)
        patch.setenv("DATAWORKS_HOME", str(stack.home))
        patch.setenv("DATAWORKS_OPTIONS", "bad_input")
        made = Workplace()
        platform = made.platform
        for days, topics in ((DAYS[:-1], WELL), (DAYS[-1:], (*WELL, BROKEN))):
            request = sample_request(platform.running.deployment, days, snapshot_types=("full",), topics=topics)
            write_sample(platform.store, platform.key_service_settings, request)
        yield made


@pytest.fixture(scope="session")
def partner_days(workplace) -> tuple[date, ...]:
    """The days of the partner's sample, which lies in the partner's account then."""
    days = tuple(YESTERDAY - timedelta(days=back) for back in reversed(range(PARTNER_DAYS)))
    write_partner_files(workplace, days)
    return days


@pytest.fixture(scope="session")
def url(workplace) -> Iterator[str]:
    """Where Dagster's UI is."""
    with served(workplace) as address:
        yield address


@contextmanager
def served(workplace: Workplace) -> Iterator[str]:
    """Runs Dagster's UI and daemon over a deployment while the block runs; gives the UI's address."""
    folder = prepare_dagster_home(workplace.settings)
    environment = workplace.child_environment() | {"SPARK_LOCAL_IP": "127.0.0.1"}
    with dagster_dev(folder, environment, log_path=folder / "dagster-dev.log") as running:
        yield running.url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    assert _CHROMIUM, "no Chromium is installed: `make browser` installs one"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def ui(url, browser) -> Iterator[Ui]:
    """The UI, as a user has it in front of them; one page for all tests, which go on where the one before ended."""
    with opened(browser, url) as page:
        yield page


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[Ui]:
    """Opens a page of the browser for a UI while the block runs."""
    folder = os.environ.get("DATAWORKS_SCREENSHOTS")
    context = browser.new_context(viewport={"width": 1440, "height": 900}, timezone_id="UTC")
    yield Ui(context.new_page(), url, Path(folder) if folder else None)
    context.close()
