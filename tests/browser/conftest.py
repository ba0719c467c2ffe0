"""A real browser on the real server. Set HUB_SCREENSHOTS=1 to renew docs/images/."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

from tests.processes import Web, wait_until

# the shell has no window system to feed: it needs half the processor's time a page
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # tenants' host names are this machine
    "--host-resolver-rules=MAP *.test 127.0.0.1",
)
STATE = Path(settings.STATE_DIR)
IMAGES = Path(settings.BASE_DIR) / "docs" / "images"


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("this machine has no chromium (Debian: apt-get install chromium-headless-shell)")
    # the synchronous API runs an event loop in this thread, which Django takes for asynchronous code;
    # it ends with this folder's tests, or the dispatcher's own loop could not run in later ones
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET)
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="package")
def server(django_db_setup: None) -> Iterator[Web]:
    """A running web server. Others' tests find none that ships what they have spooled."""
    with Web() as web:
        yield web


@pytest.fixture(scope="package")
def hub(server: Web) -> str:
    """Its address."""
    return server.url


@pytest.fixture(autouse=True)
def one_address(hub: str, settings: Any) -> None:
    """What this process does in a server's place, it does under its address."""
    settings.HUB_URL = hub


@pytest.fixture(autouse=True)
def quiet(database: None, server: Web) -> Iterator[None]:
    """The server has shipped what a test made it spool before the tables are emptied for the next."""
    yield

    def has_shipped() -> bool:
        own = [path for path in STATE.glob("*/*.rows") if server.has(int(path.name.partition("-")[0]))]
        return not any(map(_holds_rows, own))

    wait_until(has_shipped, seconds=20, every=0.05)


def _holds_rows(path: Path) -> bool:
    """Whether a spool file has a first row; behind the last one there are NULs."""
    try:
        with path.open("rb") as file:
            return file.read(1) not in (b"", b"\0")
    except FileNotFoundError:  # shipped
        return False


@pytest.fixture
def page(browser: Browser, hub: str) -> Iterator[Page]:
    """A tab in which no script may fail and nothing may break the content policy."""
    context = browser.new_context(
        base_url=hub,
        viewport={"width": 1440, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
    )
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert [problem for problem in problems if "status of 4" not in problem] == []


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keep a screenshot for the documents, when asked to."""

    def take(page: Page, name: str) -> None:
        if os.environ.get("HUB_SCREENSHOTS"):
            page.screenshot(path=IMAGES / f"{name}.png", full_page=True)

    return take
