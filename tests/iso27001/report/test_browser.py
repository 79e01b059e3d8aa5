"""The HTML report in a real browser: nothing is asked of the network, nothing is amiss, it fits the screen and paper."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from iso27001.catalogue import load
from iso27001.language import Language
from iso27001.report.kinds import Kind, compose
from iso27001.report.writers import Format, write
from tests.iso27001.material import month

pytestmark = pytest.mark.server
DESKTOP, PAPER = (1280, 900), (794, 1123)
"""Widths and heights in CSS pixels: a screen, a page of A4 at 96 dpi."""
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe")


class Browser:
    """Chromium without a window, spoken to in the DevTools protocol: JSON messages, each ended by a NUL, over two pipes (3 and 4)."""

    def __init__(self, program: str, profile: Path, closing: ExitStack) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        script = f'exec "$0" "$@" 3<&{orders} 4>&{answers}'
        command = ["bash", "-c", script, program, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        self._process = closing.enter_context(
            subprocess.Popen(command, pass_fds=(orders, answers), stderr=subprocess.DEVNULL)
        )
        closing.callback(self._process.kill)
        for end in (orders, answers):
            os.close(end)
        for end in (self._orders, self._answers):
            closing.callback(os.close, end)
        self._read, self._number, self._session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        page = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """What is answered; what is told meanwhile goes to `events`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._orders, json.dumps(message).encode() + b"\0")
        while (told := self._next()).get("id") != self._number:
            self.events.append(told)
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    def show(self, page: Path, size: tuple[int, int], media: str) -> None:
        """Load a page and wait until it stands."""
        self.ask("Emulation.setEmulatedMedia", media=media)
        self.ask("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False)
        self.events.clear()
        self.ask("Page.navigate", url=page.as_uri())
        while not self.told("Page.loadEventFired"):
            self.events.append(self._next())

    def told(self, method: str) -> list[dict[str, Any]]:
        """What was told of one kind."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def picture(self) -> bytes:
        """What is to be seen, as PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot")["data"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            more = os.read(self._answers, 1 << 16)
            assert more, "the browser ended"
            self._read += more
        message, _, self._read = self._read.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if program is None:
        assert os.environ.get("CI") != "true", "chromium must be there in CI"
        pytest.skip("chromium is not installed")
    with ExitStack() as closing:
        yield Browser(program, tmp_path_factory.mktemp("profile"), closing)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("month")
    document = compose(month(root), load(), Language.VIETNAMESE, Kind.PERIOD)
    (root / "report.html").write_bytes(write(document, Format.HTML))
    return root / "report.html"


@pytest.mark.parametrize(("size", "media"), [(DESKTOP, "screen"), (PAPER, "print")])
def test_the_report_fits_and_asks_nothing_of_the_network(
    browser: Browser, page: Path, size: tuple[int, int], media: str
) -> None:
    browser.show(page, size, media)
    assert {each["request"]["url"] for each in browser.told("Network.requestWillBeSent")} == {page.as_uri()}
    assert browser.told("Log.entryAdded") + browser.told("Runtime.exceptionThrown") == []
    assert browser.ask("Page.getLayoutMetrics")["cssContentSize"]["width"] == size[0]
    shown = browser.picture()
    empty = page.with_name("empty.html")
    empty.touch()
    browser.show(empty, size, media)
    assert len(shown) > 5 * len(browser.picture())


def test_a_page_that_asks_for_something_or_is_too_wide_would_be_seen(browser: Browser, page: Path) -> None:
    asking = page.with_name("asking.html")
    asking.write_text('<img src="http://192.0.2.1/x.png"><p style="width: 3000px">x<script>throw 1</script>')
    browser.show(asking, DESKTOP, "screen")
    assert "http://192.0.2.1/x.png" in {r["request"]["url"] for r in browser.told("Network.requestWillBeSent")}
    assert browser.told("Runtime.exceptionThrown")
    assert browser.ask("Page.getLayoutMetrics")["cssContentSize"]["width"] > DESKTOP[0]


def test_the_printed_report_says_on_its_pages_what_the_page_says(browser: Browser, page: Path) -> None:
    browser.show(page, DESKTOP, "screen")
    printed = base64.b64decode(browser.ask("Page.printToPDF", preferCSSPageSize=True, pageRanges="1-5")["data"])
    document = pypdfium2.PdfDocument(printed)
    try:
        assert len(document) == 5
        texts = [sheet.get_textpage().get_text_bounded() for sheet in document]
    finally:
        document.close()
    assert [n for n, text in enumerate(texts) if not text.strip()] == []
    assert "Biện pháp kiểm soát" in " ".join(texts)
