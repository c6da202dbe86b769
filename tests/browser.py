"""Pages in a real browser without a window: Chromium of this machine, driven by Playwright.

What a page must never do is noticed for every test: an error on the console, or a request that
leaves the file.
"""

import contextlib
import json
import os
import pathlib
import shutil
from collections.abc import Iterator

import playwright.sync_api
import pytest

# No process of the browser may speak to the network; as root it runs without its sandbox.
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--autoplay-policy=no-user-gesture-required", "--use-fake-ui-for-media-stream"),
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_MS = 60_000  # a machine may be busy; what never comes is a failure all the same

playwright.sync_api.expect.set_options(timeout=_PATIENCE_MS)


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[playwright.sync_api.Browser]:
    """A browser for the `with` block; skips the test where there is none."""
    with (
        playwright.sync_api.sync_playwright() as driver,
        _launched(driver.chromium, arguments) as it,
    ):
        yield it


def beside(
    browser: playwright.sync_api.Browser, *arguments: str
) -> contextlib.AbstractContextManager[playwright.sync_api.Browser]:
    """Another browser with more arguments, while `browser` runs: Playwright starts only once."""
    return _launched(browser.browser_type, arguments)


@contextlib.contextmanager
def _launched(kind: playwright.sync_api.BrowserType, arguments: tuple[str, ...]):
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("needs Chromium: install it (Debian: apt install chromium), or set CHROMIUM")
    browser = kind.launch(executable_path=path, args=[*_ARGUMENTS, *arguments])
    try:
        yield browser
    finally:
        browser.close()


@contextlib.contextmanager
def opened(
    browser: playwright.sync_api.Browser,
    path: str | pathlib.Path,
    width: int = 1280,
    height: int = 800,
    dark: bool = False,
) -> Iterator[playwright.sync_api.Page]:
    """A page of the disk, opened; fails at the end if it erred or asked for anything elsewhere."""
    scheme = "dark" if dark else "light"
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
    )
    context.set_default_timeout(_PATIENCE_MS)
    wrong = []
    try:
        page = context.new_page()
        page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda r: None if is_local(r.url) else wrong.append(f"asks {r.url}"))
        page.goto(pathlib.Path(path).resolve().as_uri())
        yield page
    finally:
        context.close()
    if wrong:
        raise AssertionError("; ".join(wrong))


def is_local(address: str) -> bool:
    return address.startswith(("file:", "data:", "blob:", "about:"))


def is_wider_than_screen(page: playwright.sync_api.Page) -> bool:
    """Whether one has to scroll sideways."""
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


def wait_until(page: playwright.sync_api.Page, condition: str) -> None:
    """Waits for a condition in JavaScript, a minute at most. Playwright's `wait_for_function` looks
    again by eval, which our pages forbid."""
    page.evaluate(
        "new Promise((done, failed) => {"
        f"  const look = () => ({condition}) ? done() : setTimeout(look, 20);"
        f"  setTimeout(() => failed(Error({json.dumps(f'never: {condition}')})), {_PATIENCE_MS});"
        "  look();"
        "})"
    )
