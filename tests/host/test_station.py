"""The production line without boards: what is new, what is done, what a person reads."""

from collections.abc import Sequence
from xml.etree import ElementTree

from cma_toolkit.host_tools.provision.label import label_lines, label_svg
from cma_toolkit.host_tools.provision.station import Station

NAMES = ["box-1", "box-2", "box-3"]


class Script:
    """Record what the station wants."""

    def __init__(self) -> None:
        self.worked: list[str] = []
        self.lines: list[str] = []
        self.finished = False

    def work(self, ports: Sequence[str]) -> None:
        self.worked += ports

    def say(self, line: str) -> None:
        self.lines.append(line)

    def finish(self) -> None:
        self.finished = True


def test_each_new_board_is_worked_on_once() -> None:
    station, out = Station(NAMES, []), Script()
    station.on_ports(["u0"], out)
    station.on_ports(["u0"], out)
    station.on_ports(["u0", "u1"], out)
    assert out.worked == ["u0", "u1"]


def test_a_board_whose_port_goes_away_while_it_is_flashed_is_still_the_same() -> None:
    station, out = Station(NAMES, []), Script()
    station.on_ports(["u0"], out)
    station.on_ports([], out)
    station.on_ports(["u0"], out)
    assert out.worked == ["u0"]


def test_the_next_board_at_the_same_port_is_new() -> None:
    station, out = Station(NAMES, []), Script()
    station.on_ports(["u0"], out)
    station.on_passed("u0", "box-1", "esp32", 11.2, out)
    station.on_ports(["u0"], out)
    station.on_ports([], out)
    station.on_ports(["u0"], out)
    assert out.worked == ["u0", "u0"]


def test_a_pass_is_counted_and_said_in_one_line() -> None:
    station, out = Station(NAMES, ["box-1"]), Script()
    station.on_passed("u0", "box-2", "esp32c3", 11.2, out)
    assert out.lines == ["[2/3] box-2 esp32c3 PASS 11 s; label saved; next board"]
    assert not out.finished


def test_the_last_pass_ends_the_line() -> None:
    station, out = Station(NAMES, ["box-1", "box-2", "gone"]), Script()
    station.on_passed("u0", "box-3", "esp32", 9, out)
    assert "[3/3] box-3" in out.lines[0] and "last" in out.lines[0]
    assert out.finished


def test_a_failure_counts_nothing_and_the_board_may_come_again() -> None:
    station, out = Station(NAMES, []), Script()
    station.on_ports(["u0"], out)
    station.on_failed("u0", "", "radio (it does not come up)", out)
    station.on_ports(["u0"], out)
    assert out.worked == ["u0"] and station.done_count == 0
    assert out.lines == ["[0/3] u0 FAIL: radio (it does not come up)"]
    station.on_ports([], out)
    station.on_ports(["u0"], out)
    assert out.worked == ["u0", "u0"]


def test_a_board_that_passed_before_is_known_and_not_counted_twice() -> None:
    station, out = Station(NAMES, ["box-1"]), Script()
    station.on_known("u0", "box-1", out)
    assert station.done_count == 1 and "passed already" in out.lines[0]


def test_a_line_that_starts_again_says_where_it_stands() -> None:
    out = Script()
    Station(NAMES, ["box-1"], [("box-2", "a4:cf:12:00:00:02")]).start(out)
    assert "box-2 is half done: plug a4:cf:12:00:00:02 in again" in out.lines[0]
    assert out.lines[1].startswith("2 boards to do")
    done = Script()
    Station(NAMES, NAMES).start(done)
    assert done.finished and done.lines == ["all 3 boards of the inventory are done"]


def test_a_label_shows_its_lines_and_bars_for_its_mac() -> None:
    fields = {"name": "box-1 & <co>", "mac": "a4:cf:12:00:00:0f", "cluster": ""}
    lines = label_lines(["{name}", "{mac}", "{cluster}"], fields)
    assert lines == ["box-1 & <co>", "a4:cf:12:00:00:0f"]
    drawing = ElementTree.fromstring(label_svg(lines, fields["mac"]))
    space = "{http://www.w3.org/2000/svg}"
    assert [text.text for text in drawing.iter(space + "text")] == lines
    bars = list(drawing.iter(space + "rect"))[1:]
    assert _read_code_39(bars) == "*A4CF1200000F*"


def _read_code_39(bars: list[ElementTree.Element]) -> str:
    """Read a bar code as a scanner does: by the widths of bars and gaps."""
    edges = [(float(bar.attrib["x"]), float(bar.attrib["width"])) for bar in bars]
    narrow = min(width for _, width in edges)
    widths: list[bool] = []
    for (x, width), (following, _) in zip(edges, [*edges[1:], (edges[-1][0], 0)], strict=True):
        widths += [width > 2 * narrow, following - x - width > 2 * narrow]
    # Of nine elements three are wide; which ones is the standard's table, here by value.
    known = {52: "0", 289: "1", 97: "2", 352: "3", 49: "4", 304: "5", 112: "6", 37: "7", 292: "8"}
    known |= {100: "9", 265: "A", 73: "B", 328: "C", 25: "D", 280: "E", 88: "F", 148: "*"}
    letters = [widths[index : index + 9] for index in range(0, len(widths), 10)]
    return "".join(known[int("".join("01"[wide] for wide in letter), 2)] for letter in letters)
