"""Whom an edge hears, how much of it gets lost, and what boards tell of whom they hear.

A machine: what it has learned since it was asked last is handed out by `take`.

What gets lost is told by the gaps in the numbers of an agent's frames for all. While a board
updates it has other numbers, by which its frames are told from an agent's.

Input    on_frame(kind, buffer, length, source, target)
Effects  none
Bounds   BOARDS_MAX; a stranger that comes then is not counted. ASKED_MAX nodes for each
"""

from dataclasses import dataclass, replace

from cma_toolkit.firmware.kernel.codec.cbor import CborError
from cma_toolkit.firmware.kernel.codec.frame import BROADCAST, KIND_OFFER, KIND_TELEMETRY
from cma_toolkit.firmware.kernel.codec.templates import read_telemetry
from cma_toolkit.firmware.kernel.health.report import FIGURE_NAMES
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES

BOARDS_MAX = 1_024
ASKED_MAX = 64  # more than a cluster has: whoever names more makes them up
FRAMES_MIN = 40  # that were sent: of fewer it cannot be told how many get lost
_GAP_MAX = 64  # more is a sender that started anew
_SEQUENCE_AT = 12
_FIGURES = FIGURE_NAMES.split("\n")


@dataclass(frozen=True)
class Heard:
    """What is known of one board's links, to the edge and to its neighbours.

    Units: `frames` for all that came and that were `lost` on the way to the edge; `neighbours` -1
    and `battery_mv` 0: it did not tell. `asked` are the nodes that it spoke to, and so hears,
    since this was handed out last.
    """

    node: int
    frames: int = 0
    lost: int = 0
    neighbours: int = -1
    battery_mv: int = 0
    asked: frozenset[int] = frozenset()

    @property
    def loss_permille(self) -> int:
        """How many of a thousand frames get lost on the way, -1: too few were sent to tell."""
        sent = self.frames + self.lost
        return 1_000 * self.lost // sent if sent >= FRAMES_MIN else -1


class Listening:
    """What was heard of each board so far."""

    def __init__(self) -> None:
        self._heard: dict[int, Heard] = {}
        self._numbers: dict[int, int] = {}  # of the last frame for all
        self._news: set[int] = set()

    def on_frame(self, kind: int, buffer: bytes, length: int, source: int, target: int) -> None:
        """Take note of a frame of the network."""
        heard = self._heard.get(source)
        if heard is None:
            if len(self._heard) >= BOARDS_MAX:
                return
            heard = Heard(source)
        if target != BROADCAST:
            if len(heard.asked) < ASKED_MAX:
                heard = replace(heard, asked=heard.asked | {target})
        else:
            number = buffer[_SEQUENCE_AT] << 8 | buffer[_SEQUENCE_AT + 1]
            gap = (number - self._numbers.get(source, number - 1) - 1) & 0xFFFF
            if gap < _GAP_MAX or kind < KIND_OFFER:
                self._numbers[source] = number
                lost = heard.lost + (gap if gap < _GAP_MAX else 0)
                heard = replace(heard, frames=heard.frames + 1, lost=lost)
        if kind == KIND_TELEMETRY:
            heard = _told(heard, buffer[HEADER_BYTES:length])
        self._heard[source] = heard
        self._news.add(source)

    def take(self) -> list[Heard]:
        """Return what is new since the last time, a value for each board."""
        news, self._news = sorted(self._news), set()
        found = [self._heard[node] for node in news]
        for heard in found:  # whom it hears next time is to be seen then
            self._heard[heard.node] = replace(heard, asked=frozenset())
        return found


def _told(heard: Heard, payload: bytes) -> Heard:
    try:
        figures = dict(zip(_FIGURES, read_telemetry(payload), strict=True))
    except CborError:
        return heard
    return replace(
        heard,
        neighbours=figures["neighbours"],
        battery_mv=figures["battery_mv"] or heard.battery_mv,
    )
