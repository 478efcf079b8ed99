"""A real headless browser, driven through the pipe of its DevTools protocol.

Source   https://chromedevtools.github.io/devtools-protocol/; messages are JSON that ends with NUL
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

HOME = Path(__file__).parents[2] / "build/browser"
ANSWER_S = 60.0
_READY = """new Promise((done) => {
  const look = () => document.documentElement?.dataset.ready ? done(true) : setTimeout(look, 5);
  look();
})"""
_KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "Escape": 27}


class BrowserMissingError(Exception):
    """There is no browser: the text says how to get one."""


def executable() -> tuple[str, dict[str, str]]:
    """Return the browser and what its environment needs: CMA_CHROMIUM, else the fetched one.

    Raises: BrowserMissingError.
    """
    named = os.environ.get("CMA_CHROMIUM")
    if named:
        return named, {}
    if not (HOME / "chromium").exists():
        raise BrowserMissingError("The tests' browser is not there; run: make browser")
    return str(HOME / "chromium"), {
        "LD_LIBRARY_PATH": str(HOME / "al2023/lib"),
        "FONTCONFIG_PATH": str(HOME / "fonts"),
    }


class Browser:
    """One browser process; `close` ends it."""

    def __init__(self) -> None:
        command, environment = executable()
        self._home = tempfile.mkdtemp(prefix="cma-browser-")
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        self._process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" 3</dev/fd/{commands} 4>/dev/fd/{answers}', "sh", command,
             "--headless", "--no-sandbox", "--no-zygote", "--disable-gpu", "--hide-scrollbars",
             "--disable-dev-shm-usage", "--remote-debugging-pipe",
             f"--user-data-dir={self._home}", "about:blank"],
            env={**os.environ, **environment, "HOME": self._home, "XDG_CACHE_HOME": self._home},
            pass_fds=(commands, answers),
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(commands)
        os.close(answers)
        self._held = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Ask for something and return the answer; events that come meanwhile are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._held:
            ready, _, _ = select.select([self._read], [], [], ANSWER_S)
            assert ready, f"the browser said nothing for {ANSWER_S:.0f} s"
            more = os.read(self._read, 1 << 16)
            assert more, "the browser ended"
            self._held += more
        text, self._held = self._held.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        return message

    def open(self, path: Path, *, width: int = 1280, height: int = 900, scheme: str = "light",
             fragment: str = "") -> "Page":  # fmt: skip
        """Open a page of a file and wait until it has drawn itself."""
        return Page(self, path.as_uri() + fragment, width, height, scheme)

    def close(self) -> None:
        """End the browser and remove what it wrote."""
        self.call("Browser.close")
        self._process.wait(timeout=ANSWER_S)
        os.close(self._write)
        os.close(self._read)
        shutil.rmtree(self._home, ignore_errors=True)


class Page:
    """One page, as a person has it before them."""

    def __init__(self, browser: Browser, url: str, width: int, height: int, scheme: str) -> None:
        self._browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(domain + ".enable")
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                   deviceScaleFactor=1, mobile=False)  # fmt: skip
        self._call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )
        browser.events.clear()
        self._call("Page.navigate", url=url)
        self.evaluate(_READY)

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **params)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of the page, of a promise what it promises."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        """Return what a person reads in an element."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def click(self, selector: str) -> None:
        """Click into the middle of an element."""
        x, y = self.evaluate(
            "(() => { const it = document.querySelector(" + json.dumps(selector) + ");"
            "it.scrollIntoView({block: 'center'}); const box = it.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        self.click_at(x, y)

    def click_at(self, x: float, y: float) -> None:
        """Click at a point of the window."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left",
                       clickCount=1)  # fmt: skip

    def press(self, key: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                       windowsVirtualKeyCode=_KEYS[key])  # fmt: skip

    def wheel(self, x: float, y: float, delta: float) -> None:
        """Turn the wheel over a point of the window."""
        self._call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=delta)

    def screenshot(self, path: Path) -> None:
        """Keep a picture of the whole page."""
        data = self._call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def problems(self) -> list[str]:
        """Return what the browser complained about: exceptions and its own log."""
        wanted = ("Runtime.exceptionThrown", "Log.entryAdded")
        return [
            json.dumps(event) for event in self._browser.events if event.get("method") in wanted
        ]

    def requests(self) -> list[str]:
        """Return what the page asked for, itself left out."""
        urls = [
            event["params"]["request"]["url"]
            for event in self._browser.events
            if event.get("method") == "Network.requestWillBeSent"
        ]
        return urls[1:]
