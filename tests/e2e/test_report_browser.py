"""The report page in a real Chromium, driven through its debugging pipe (no driver, no port)."""

import json
import os
import select
import shutil
import subprocess
import time

import pytest

pytest.importorskip("jinja2", reason="needs xgen-core[report]")
pytest.importorskip("vl_convert", reason="needs xgen-core[report]")

from xgen_core import Run
from xgen_core.report import Diff, Item, Items, Section, Table, Text, line_plot, render_page

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --disable-dev-shm-usage "
    "--remote-debugging-pipe"
)
ATTACK = (
    "<script>document.title='owned'</script></style></title>"
    "<img src=x onerror=\"document.title='owned'\">\"onmouseover='x' \u202e \x07 \ud83d"
)


def browser_path():
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium on this machine (chromium, chromium-browser or google-chrome)")


class Browser:
    """One tab; commands go to file descriptor 3 of the browser, answers come from 4."""

    def __init__(self, path, profile):
        self.events = []
        self._number = 0
        self._buffer = b""
        out_read, self._write = os.pipe()
        self._read, in_write = os.pipe()

        # bash puts the two ends where Chromium looks for them: no Python runs after the fork
        place = f'exec "$0" "$@" 3<&{out_read} 4>&{in_write}'
        arguments = [path, *FLAGS.split(), f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", place, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(out_read, in_write),
        )
        os.close(out_read)
        os.close(in_write)
        self._session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def _next(self, patience=30.0):
        end = time.monotonic() + patience
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], end - time.monotonic())
            assert ready, "the browser says nothing"
            piece = os.read(self._read, 1 << 20)
            assert piece, f"the browser ended with {self._process.wait()}"
            self._buffer += piece
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def show(self, path, *, width=1200, theme="light", script=True):
        self.events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.call("Emulation.setEmulatedMedia", media="screen", features=features)
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Page.navigate", url=path.as_uri())
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            self.events.append(self._next())

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def complaints(self):
        found = []
        for event in self.events:
            method, parameters = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                found.append(parameters["exceptionDetails"]["text"])
            elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
                found.append(parameters["entry"]["text"])
            elif method == "Runtime.consoleAPICalled" and parameters["type"] == "error":
                found.append(str(parameters["args"]))
        return found

    def requested(self):
        sent = [e["params"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [s["request"]["url"] for s in sent]

    def close(self):
        self._session = None
        self.call("Browser.close")
        self._process.wait(timeout=20)
        os.close(self._read)
        os.close(self._write)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(browser_path(), tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    run = Run.create(directory / "demo", "train", {"note": ATTACK, "stages": [{"steps": 3}]})
    rows = [{"step": i, "loss": 9 / (i + 1), "run": r} for i in range(50) for r in ("a", ATTACK)]
    plots = [
        line_plot(rows=rows, x="step", y="loss", series="run", description=ATTACK, caption=ATTACK)
        for _ in range(2)
    ]
    wide = Table(columns=tuple(f"column {i}" for i in range(20)), rows=((1.5,) * 20,))
    items = Items(
        items=(
            Item(title="first", fields={"prompt": ATTACK}),
            Item(title="second", fields={"prompt": "needle"}),
            Item(title="third", fields={"prompt": "hay"}),
        )
    )
    blocks = (*plots, wide, Text(text=ATTACK), Diff(before="a", after=ATTACK), items)
    run.write_section("10", Section(title=ATTACK, summary=ATTACK, blocks=blocks))
    path = directory / "page.html"
    path.write_text(render_page([run], "demo"), "utf-8")
    return path


BOXES = """[...document.querySelectorAll('.plot svg')].map(s => {
  const box = s.getBoundingClientRect();
  return [s.getAttribute('class'), Math.round(box.width), Math.round(box.height)];
})"""
SHOWN_ITEMS = """[...document.querySelectorAll('.items > ol > li')]
  .filter(li => li.offsetHeight > 0).map(li => li.querySelector('h4').textContent)"""


def test_a_page_with_an_error_is_noticed(browser, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text("<!doctype html><script>throw new Error('planted')</script>")
    browser.show(path)
    assert browser.complaints()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_opens_without_complaint_and_shows_its_plots(browser, page, theme):
    browser.show(page, theme=theme)
    boxes = browser.value(BOXES)
    assert [kind for kind, _, _ in boxes] == ["light", "dark"] * 2
    for kind, width, height in boxes:
        assert (width > 400 and height > 200) == (kind == theme)
    assert browser.complaints() == []
    assert browser.requested() == [page.as_uri()]
    assert browser.value("document.title") == "demo"
    assert browser.value("document.querySelectorAll('img').length") == 0
    dark = browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(22, 25, 29)"
    assert dark == (theme == "dark")


def test_the_theme_button_turns_colours_and_plots(browser, page):
    browser.show(page, theme="light")
    assert browser.value("document.getElementById('theme').textContent") == "Dark"
    browser.value("document.getElementById('theme').click()")
    assert [kind for kind, width, _ in browser.value(BOXES) if width] == ["dark"] * 2
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(22, 25, 29)"
    assert browser.value("document.getElementById('theme').textContent") == "Light"
    assert browser.complaints() == []


def test_items_are_turned_by_keys_buttons_and_search(browser, page):
    browser.show(page)
    assert browser.value(SHOWN_ITEMS) == ["first"]
    browser.value("document.querySelector('.items').focus()")
    browser.press("ArrowRight")
    assert browser.value(SHOWN_ITEMS) == ["second"]
    browser.press("ArrowLeft")
    browser.press("ArrowLeft")
    assert browser.value(SHOWN_ITEMS) == ["first"]
    browser.value("document.querySelector('.items .next').click()")
    browser.value("document.querySelector('.items .next').click()")
    assert browser.value(SHOWN_ITEMS) == ["third"]
    assert browser.value("document.querySelector('.items .next').disabled") is True
    for text, wanted, position in (
        ("NEEDLE", ["second"], "1 / 1 found of 3"),
        ("nowhere", [], "nothing found"),
        ("", ["first"], "1 / 3"),
    ):
        browser.value(
            "{const s = document.querySelector('.items input'); s.value = "
            f"{json.dumps(text)}; s.dispatchEvent(new Event('input'));}}"
        )
        assert browser.value(SHOWN_ITEMS) == wanted
        assert browser.value("document.querySelector('.position').textContent") == position


def test_without_script_everything_is_there(browser, page):
    browser.show(page, script=False)
    assert browser.value(SHOWN_ITEMS) == ["first", "second", "third"]
    assert browser.value("document.querySelector('.browser-bar').offsetHeight") == 0
    assert browser.value("document.getElementById('theme').offsetHeight") == 0
    assert [kind for kind, width, _ in browser.value(BOXES) if width] == ["light"] * 2


@pytest.mark.parametrize("width", [400, 800, 1600])
def test_the_page_never_scrolls_sideways(browser, page, width):
    browser.show(page, width=width)
    assert browser.value("document.documentElement.scrollWidth") <= width
    tables = (
        "[...document.querySelectorAll('.table .scroll')].map(s => s.scrollWidth > s.clientWidth)"
    )
    assert browser.value(tables) == [True]  # the wide table scrolls inside itself


def test_the_first_tab_stop_skips_to_the_content(browser, page):
    browser.show(page)
    for kind in ("rawKeyDown", "keyUp"):
        browser.call(
            "Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9
        )
    assert browser.value("document.activeElement.className") == "skip"
    assert browser.value("document.activeElement.getBoundingClientRect().left") >= 0


def test_the_printed_page_is_light_and_whole(browser, page):
    browser.show(page, theme="dark")
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert [kind for kind, width, _ in browser.value(BOXES) if width] == ["light"] * 2
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.value(SHOWN_ITEMS) == ["first", "second", "third"]
