"""The report of a run, opened, read and clicked in a real browser."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import reported
from support.chromium import Browser, Page

pytestmark = pytest.mark.xdist_group("browser")  # one browser is enough

Write = Callable[..., Path]
CONTRAST_MIN = 4.5  # WCAG 2.2, 1.4.3
_CONTRAST = """((selector) => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[0-9.]+/g).map(Number)
      .map((value) => value / 255)
      .map((value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const node = document.querySelector(selector);
  let under = node;
  const fill = (it) => getComputedStyle(it).backgroundColor;
  while (fill(under) === "rgba(0, 0, 0, 0)") under = under.parentElement;
  const pair = [getComputedStyle(node).color, fill(under)].map(light);
  return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
})"""
_MIDDLE_PIXEL = """(() => {
  const canvas = document.getElementById("map");
  const pen = canvas.getContext("2d");
  return [...pen.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].join();
})()"""
_INK_OF = """((hex) => {
  const wanted = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const canvas = document.getElementById("map");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  const isWanted = (i) => wanted.every((value, k) => data[i + k] === value);
  for (let i = 0; i < data.length; i += 4) count += isWanted(i);
  return count;
})"""
_INK = """(() => {
  const canvas = document.getElementById("map");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return data.filter((value, i) => i % 4 === 3 && value > 0).length;
})()"""


@pytest.fixture(scope="module")
def page(browser: Browser, write: Write) -> Page:
    return browser.open(write())


def _chosen(page: Page) -> str:
    return page.text("#life h2")


def _set(page: Page, selector: str, value: str, event: str) -> None:
    page.evaluate(
        f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
        f"it.value = {json.dumps(value)}; it.dispatchEvent(new Event({json.dumps(event)})); }})()"
    )


def test_the_page_draws_itself_and_asks_for_nothing(browser: Browser, write: Write) -> None:
    page = browser.open(write())
    assert page.problems() == []
    assert page.requests() == []
    assert page.evaluate("document.querySelectorAll('#charts svg').length") == 6
    assert page.evaluate(_INK) > 1_000


def test_texts_are_texts_and_never_markup(browser: Browser, write: Write) -> None:
    page = browser.open(write(problem="<u>agent-02</u> raised"), fragment="#" + reported.MIDDLE)
    assert page.text("h1") == "A <i>field</i>" == page.evaluate("document.title")
    assert "<b>abc</b>" in page.text("#facts")
    assert page.text("#verdict") == "<u>agent-02</u> raised"
    assert page.evaluate("document.getElementById('verdict').className") == "broke"
    assert "</script><script>" in page.text("#lines")
    assert page.problems() == []


def test_the_head_says_what_ran_and_whether_all_held(page: Page) -> None:
    facts = page.text("#facts")
    assert f"agents\n{reported.AGENTS}" in facts
    assert "simulated time\n10:00" in facts
    assert page.text("#verdict") == "All that must hold held"
    assert page.evaluate("document.getElementById('verdict').className") == "held"


def test_a_click_on_the_map_tells_that_agents_life(page: Page) -> None:
    before = page.evaluate(_MIDDLE_PIXEL)
    assert not before.endswith(",0")
    page.click("#map")
    assert _chosen(page) == reported.MIDDLE
    assert page.evaluate("location.hash") == "#" + reported.MIDDLE
    assert "set pump to True" in page.text("#lines")
    assert "woke from deep sleep" in page.text("#lines")
    assert "µAh" in page.text("#life .numbers")


def test_arrow_keys_walk_over_the_agents_and_escape_leaves_them(page: Page) -> None:
    page.click("#map")
    page.press("ArrowRight")
    assert _chosen(page) == "agent-01"
    page.press("ArrowLeft")
    assert _chosen(page) == reported.MIDDLE
    page.press("Escape")
    assert "Choose an agent" in page.text("#life")


def test_the_wheel_zooms_and_fit_shows_all_again(page: Page) -> None:
    box = page.evaluate(
        "(() => { scrollTo(0, 0); const it = document.getElementById('map')"
        ".getBoundingClientRect(); return [it.x + 30, it.y + it.height / 2]; })()"
    )
    picture = "document.getElementById('map').toDataURL()"
    before = page.evaluate(picture)
    page.wheel(*box, -800)
    drawn = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    page.evaluate(drawn)
    assert page.evaluate(picture) != before
    page.click("#fit")
    assert page.evaluate(picture) == before


def test_links_can_be_hidden(page: Page) -> None:
    before = page.evaluate(_INK)
    page.click("#show-links")
    assert page.evaluate(_INK) < before
    page.click("#show-links")
    assert page.evaluate(_INK) == before


def test_faults_are_bars_from_their_beginning_to_their_end(page: Page) -> None:
    bars = page.evaluate(
        "[...document.querySelectorAll('#faults .fault')].map((bar) => [Number(bar.getAttribute"
        "('x')), Number(bar.getAttribute('width')), bar.textContent])"
    )
    assert [bar[2] for bar in bars] == [
        "hush: all frames <b>lost</b>, 02:00 to 03:00",
        "hush: all frames <b>lost</b>, 09:00 to the end",
    ]
    assert bars[0][1] == pytest.approx(bars[1][1])  # a minute each
    assert bars[1][0] - bars[0][0] == pytest.approx(7 * bars[0][1])


def test_one_cursor_goes_through_all_charts_and_the_life(page: Page) -> None:
    page.evaluate("location.hash = 'agent-01'")
    _set(page, "#cursor", "0", "input")
    assert page.text("#instant") == "00:04"
    early = page.evaluate("document.querySelectorAll('#lines .later').length")
    places = page.evaluate(
        "[...document.querySelectorAll('#charts .now')].map((it) => it.getAttribute('x1'))"
    )
    page.click("#charts svg")  # its middle
    assert page.text("#instant") in ("04:40", "04:44", "04:48")
    assert 0 < page.evaluate("document.querySelectorAll('#lines .later').length") < early
    moved = page.evaluate(
        "[...document.querySelectorAll('#charts .now')].map((it) => it.getAttribute('x1'))"
    )
    assert all(float(new) > float(old) for new, old in zip(moved, places, strict=True))


def test_the_map_shows_who_has_no_power_at_the_cursor(page: Page) -> None:
    _set(page, "#metric", "state at the cursor", "change")
    assert "no power" in page.text("#legend")
    cut = 300_000 // 4_000  # its bin
    inks = []
    for place in (cut - 5, cut):
        _set(page, "#cursor", str(place), "input")
        inks.append(page.evaluate(_INK_OF + "(getComputedStyle(document.documentElement)"
                                  ".getPropertyValue('--dark').trim())"))  # fmt: skip
    assert inks[0] == 0 < inks[1]
    _set(page, "#metric", "0", "change")
    assert "energy" in page.text("#legend")


def test_one_floor_of_a_building_can_be_looked_at(
    browser: Browser, write: Write, recording: dict[str, Any]
) -> None:
    # Agents 4 and 6 stand in the middle, one above the other.
    places = [[x, y, 0] for x, y, _z in recording["places"]]
    places[3] = [*places[5][:2], 300]
    page = browser.open(write({**recording, "places": places}))
    for floor, name in (("300", "agent-04"), ("0", "agent-06")):
        _set(page, "#floor", floor, "change")
        page.click("#map")
        assert _chosen(page) == name
    assert page.evaluate("document.getElementById('floors').hidden") is False


def test_the_table_finds_and_sorts(page: Page) -> None:
    names = "[...document.querySelectorAll('tbody td:first-child')].map((it) => it.textContent)"
    values = "[...document.querySelectorAll('tbody td:last-child')].map((it) => +it.textContent)"
    _set(page, "#find", "05", "input")
    assert page.evaluate(names) == ["agent-05"]
    _set(page, "#find", "", "input")
    page.click("th:last-child button")
    assert page.evaluate(values) == [1, 0, 0, 0, 0, 0]
    assert page.evaluate(names)[0] == "agent-02"
    page.click("th:last-child button")
    assert page.evaluate(values) == [0, 0, 0, 0, 0, 1]
    page.click("tbody tr:last-child")
    assert _chosen(page) == "agent-02"
    assert "ValueError in sample" in page.text("#lines")


def test_lines_of_a_life_can_be_filtered(page: Page) -> None:
    page.evaluate("location.hash = 'agent-02'")
    page.evaluate("new Promise((done) => setTimeout(done, 0))")
    assert "radio on" in page.text("#lines")
    buttons = "[...document.querySelectorAll('#filters button')]"
    kind = buttons + ".find((it) => it.textContent === 'radio')"
    page.evaluate(kind + ".click()")
    assert "radio on" not in page.text("#lines")
    assert "ValueError in sample" in page.text("#lines")
    page.evaluate(kind + ".click()")
    assert "radio on" in page.text("#lines")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_can_be_read(browser: Browser, write: Write, scheme: str) -> None:
    page = browser.open(write(), scheme=scheme, fragment="#agent-01")
    for selector in (
        "h1",
        "dt",
        "#lines span",
        "#legend span",
        "th button",
        "tr:not(.chosen) td",
        "label",
    ):
        contrast = page.evaluate(f"{_CONTRAST}({json.dumps(selector)})")
        assert contrast >= CONTRAST_MIN, (selector, contrast)
    background = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(background)
    page.click("#theme")
    assert page.evaluate(background) != before
    page.click("#theme")
    assert page.evaluate(background) == before


def test_a_narrow_window_needs_no_sideways_scrolling(browser: Browser, write: Write) -> None:
    page = browser.open(write(), width=390, height=800, fragment="#agent-01")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_thousand_agents_are_drawn_and_chosen(
    browser: Browser, write: Write, recording: dict[str, Any]
) -> None:
    page = browser.open(write(_many(recording, 1_000)))
    assert page.problems() == []
    assert page.text("#shown") == "100 of 1,000 shown"
    assert page.evaluate("document.querySelectorAll('#spread rect').length") == 1_000
    _set(page, "#find", "agent-0777", "input")
    page.click("tbody tr")
    assert _chosen(page) == "agent-0777"


def _many(recording: dict[str, Any], count: int) -> dict[str, Any]:
    """Return the recording with its agents side by side again and again."""
    own = recording["agents"]
    agents = [{**own[i % len(own)], "name": f"agent-{i + 1:04d}"} for i in range(count)]
    places = []
    for index in range(count):
        block, inner = divmod(index, len(own))
        x, y, z = recording["places"][inner]
        places.append([x + block % 13 * 6_000, y + block // 13 * 4_000, z])
    links = [
        [one + shift, other + shift, there, back]
        for shift in range(0, count - len(own), len(own))
        for one, other, there, back in recording["links"]
    ]
    return {**recording, "agents": agents, "places": places, "links": links}
