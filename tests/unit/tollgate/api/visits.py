"""A page that is open in a real browser, and what tests of pages need for it."""

import shutil
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

IN_A_BROWSER = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing (Debian: apt-get install chromium)"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


class Visit:
    """A page that is open, and what went wrong on it."""

    def __init__(self, browser: Any, address: str, path: str = "/", **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address + path)

    def enter(self, key: str) -> "Visit":
        self.page.get_by_label("Key", exact=True).fill(key)
        self.page.keyboard.press("Enter")
        return self

    def text(self, part: str) -> str:
        self.page.wait_for_selector(f'[data-part="{part}"]:not([hidden])')
        return str(self.page.inner_text(f'[data-part="{part}"]'))

    def refuse(self, pattern: str, cause: str) -> None:
        """Have requests answered by a 503 with that cause, until `page.unroute`."""
        body = {"status": 503, "cause": cause, "remedy": "try again later"}
        self.page.route(pattern, lambda route: route.fulfill(status=503, json=body))
