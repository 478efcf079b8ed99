"""What an edge learns of links from frames that it hears anyway."""

from cma_toolkit.firmware.kernel.codec.frame import (
    BROADCAST,
    KIND_ANNOUNCE,
    KIND_REPORT,
    KIND_TELEMETRY,
    KIND_WANT,
    write_header,
)
from cma_toolkit.firmware.kernel.codec.templates import write_telemetry
from cma_toolkit.firmware.kernel.health.report import FIGURE_NAMES, FIGURES
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES
from cma_toolkit.host_tools.release import listening
from cma_toolkit.host_tools.release.listening import FRAMES_MIN, Heard, Listening

ONE, OTHER = 7, 8


class Air:
    """An edge that hears frames."""

    def __init__(self) -> None:
        self.listening = Listening()

    def send(
        self, number: int, kind: int = KIND_ANNOUNCE, target: int = BROADCAST, **figures: int
    ) -> None:
        """Have a frame of ONE come."""
        buffer = bytearray(250)
        write_header(buffer, kind, 0, ONE, target, number & 0xFFFF)
        end = HEADER_BYTES
        if kind == KIND_TELEMETRY:
            told = [0] * FIGURES
            for name, value in figures.items():
                told[FIGURE_NAMES.split("\n").index(name)] = value
            end = write_telemetry(buffer, end, told)
        self.listening.on_frame(kind, bytes(buffer), end, ONE, target)

    def known(self) -> Heard:
        (heard,) = self.listening.take()
        return heard


def test_gaps_in_the_numbers_are_what_gets_lost() -> None:
    air = Air()
    for number in range(65_500, 65_500 + 4 * FRAMES_MIN):  # over the end of the numbers
        if number % 4:
            air.send(number, KIND_REPORT if number % 4 == 1 else KIND_ANNOUNCE)
    heard = air.known()
    assert (heard.frames, heard.lost) == (3 * FRAMES_MIN, FRAMES_MIN - 1)
    assert 240 <= heard.loss_permille <= 250


def test_few_frames_say_nothing_and_who_starts_anew_has_lost_none() -> None:
    air = Air()
    for number in range(FRAMES_MIN - 1):
        air.send(number)
    assert air.known().loss_permille == -1
    air.send(30_000)
    assert air.known().loss_permille == 0
    assert not air.listening.take(), "nothing is new"


def test_whom_it_hears_is_told_once_and_no_forger_names_more_than_a_cluster() -> None:
    air = Air()
    air.send(1, KIND_WANT, OTHER)
    assert air.known().asked == {OTHER}
    air.send(1)
    assert air.known().asked == set(), "that it heard then says nothing of now"
    for target in range(10, 10 + 2 * listening.ASKED_MAX):
        air.send(1, KIND_WANT, target)
    assert len(air.known().asked) == listening.ASKED_MAX


def test_a_board_that_updates_has_other_numbers_and_shows_whom_it_hears() -> None:
    air = Air()
    for number in range(FRAMES_MIN):
        if number % 4 != 1:
            air.send(number)
        air.send(20_000 + 7 * number, KIND_WANT, OTHER)
        air.send(20_001 + 7 * number, KIND_REPORT)
    heard = air.known()
    assert (heard.frames, heard.lost) == (FRAMES_MIN * 3 // 4, FRAMES_MIN // 4)
    assert heard.asked == {OTHER}


def test_telemetry_says_how_many_neighbours_there_are_and_how_the_battery_is() -> None:
    air = Air()
    air.send(1, KIND_TELEMETRY, neighbours=5, battery_mv=3_700)
    assert (air.known().neighbours, Heard(ONE).neighbours) == (5, -1)
    air.send(2, KIND_TELEMETRY, neighbours=4)
    heard = air.known()
    assert (heard.neighbours, heard.battery_mv) == (4, 3_700)
    air.listening.on_frame(KIND_TELEMETRY, bytes(14) + b"\xa1\x01", 16, ONE, BROADCAST)
    assert air.known().neighbours == 4


def test_made_up_nodes_take_no_more_room_than_there_is() -> None:
    edge = Listening()
    for node in range(1, listening.BOARDS_MAX + 100):
        edge.on_frame(KIND_ANNOUNCE, bytes(20), 20, node, BROADCAST)
    assert len(edge.take()) == listening.BOARDS_MAX
