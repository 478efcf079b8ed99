"""An update in the middle of a run: some agents go away for a release, and try it.

An edge beside the world offers a release to whoever it reaches; the kernel hands the offer on and
reboots whom it is meant for into the updater. How long a board is busy there is drawn; the pieces
that it fetches are not on the air of the world. Then it boots with the new release and another
application, its state is kept, and after its trial it stays with that release or, if that is bad,
crashes and is back with the one before. In the end the edge takes its offer back, from whoever has
it in mind: else a board that never sleeps would follow it up ten minutes later.
"""

from cma_toolkit.firmware.kernel.codec.frame import KIND_OFFER
from cma_toolkit.firmware.kernel.errors import CAUSE_PANIC, CAUSE_SOFT_RESET
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.offers import UPDATE_MS_MIN
from cma_toolkit.firmware.kernel.prng import seed_from
from cma_toolkit.firmware.kernel.release import talk
from cma_toolkit.sim.world.board import FRAME
from cma_toolkit.sim.world.born import NETWORK
from cma_toolkit.sim.world.faults.made import Made
from cma_toolkit.sim.world.fleet import RELEASE_CLASS, node_of
from cma_toolkit.sim.world.medium.medium import LINK_RADIO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.faults.base import Paths
    from cma_toolkit.sim.world.fleet import Fleet

EDGE = 0xFFFFFF  # its number, beyond those of all agents
_NOBODY = EDGE - 1
_RSSI_DBM = -60
_OFFER_MS = 2_000  # from one offer to the next, for each who hears them
_AFTER_MS = 2  # a frame of somebody it reaches: who hears that is awake
_GENERATION, _NODES = 1, 6  # of the first offer, and where an offer names boards
_SEQUENCE_MIN, _SEQUENCES = 2, 1 << 24
_FETCHED, _TRIED, _TAKEN_BACK = 0, 1, 2  # what falls due for a board
_AGAIN_MS = 50  # until the next look at who sleeps lightly: it listens for longer when it wakes


class UpdateMidRun(Made):
    """Offer a release; after its end nobody fetches or tries it any more.

    Units: `permille` of the agents it is meant for, and `heard_permille` of all hear the edge
    itself; a board fetches for `fetch_ms` and tries for `trial_ms`.
    """

    NAME, NUMBER = "update-mid-run", 25
    PARAMETERS = (
        ("permille", 1, 1_000, 300, 1_000, 1_000),
        ("heard_permille", 1, 1_000, 300, 1_000, 1_000),
        ("fetch_ms", 1, 3_600_000, 2_000, 60_000, 20_000),
        ("trial_ms", 1, 3_600_000, 3_000, 60_000, 30_000),
        ("is_bad", 0, 1, 0, 1, 0),
    )
    permille: int
    heard_permille: int
    fetch_ms: int
    trial_ms: int
    is_bad: int

    def begin(self, fleet: "Fleet") -> None:
        """Decide who is meant, and begin to offer."""
        Made.begin(self, fleet)
        # A later fault has a newer release.
        self._sequence = _SEQUENCE_MIN + self.start_ms // 1000 % _SEQUENCES
        self._due: dict[int, tuple[int, int]] = {}  # by board: when, and what
        self._before: dict[int, tuple[int, int, int]] = {}  # what a board ran before it tried
        self._offered: dict[int, tuple[int, int]] = {}  # by who hears it: when, and which number
        self._identity = Identity("edge", node_of(EDGE), NETWORK, "world")
        every = range(len(fleet.names))
        self._meant = [index for index in every if self._is("meant", index, self.permille)]
        self._offers = self._make_offers()

    def _is(self, what: str, index: int, permille: int) -> bool:
        return seed_from(self._seed, what, index) % 1000 < permille

    def _make_offers(self) -> "list[list[object]]":
        """Return the fields of the offers that together name all who are meant."""
        digest = seed_from(self._seed, "digest").to_bytes(4, "big") * 2
        nodes = [node_of(index) for index in self._meant]
        if len(nodes) == len(self.fleet.names):
            nodes = []  # whoever hears it
        elif not nodes:
            return []
        starts = range(0, max(1, len(nodes)), talk.NODES_MAX)
        parts = [nodes[at : at + talk.NODES_MAX] for at in starts]
        return [
            [_GENERATION, self._sequence, digest, RELEASE_CLASS, 0, [], part] for part in parts
        ]

    # --- the edge ---

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Have an edge in reach offer to whoever is awake to hear somebody."""
        fleet = self.fleet
        now_ms = fleet.clock.now_ms
        at_ms, _number = self._offered.get(target, (-_OFFER_MS, 0))
        if not self._offers or now_ms - at_ms < _OFFER_MS:
            return
        if not fleet.medium.is_listening(target):
            return  # who hears nobody gets none, and loses none
        number = self._next_number(target)
        if self._is("heard", target, self.heard_permille):
            self._send(target, self._offers[number % len(self._offers)], number, source)

    def _next_number(self, target: int) -> int:
        if target in self._offered:
            _at_ms, number = self._offered[target]
        else:
            number = self.stream(target).below(1 << 16)
        self._offered[target] = self.fleet.clock.now_ms, (number + 1) & 0xFFFF
        return number

    def _send(self, target: int, fields: "list[object]", number: int, source: int) -> None:
        offer = bytes(talk.write(self._identity, KIND_OFFER, fields, number))
        frame = _RSSI_DBM, offer, LINK_RADIO, source
        self.fleet.clock.schedule(self.fleet.clock.now_ms + _AFTER_MS, FRAME, target, frame)

    def serve(self, index: int) -> int:
        """Return for how long a board in its updater fetches this release, 0: it does not."""
        sequence, _, stage = self.fleet.boards[index].release
        is_known = sequence >= self._sequence or index in self._before
        if is_known or stage == talk.STAGE_TRIAL or index not in self._meant:
            return 0
        self._later(index, self.fetch_ms, _FETCHED)
        return self.fetch_ms

    # --- the boards ---

    def on_time(self, fleet: "Fleet", index: int) -> None:
        """Go on with a board for which something falls due.

        With that one alone, whatever else is due: another shard may have the others.
        """
        if index in self._due and self._due[index][0] <= fleet.clock.now_ms:
            what = self._due.pop(index)[1]
            if what == _TRIED:
                self._judge(index)
            elif what == _TAKEN_BACK:
                self._take_back(index)
            elif fleet.boards[index].is_updating:
                self._install(index)

    def end(self, fleet: "Fleet") -> None:
        """Send home who still fetches, judge what is on trial, and take the offer back."""
        for index in sorted(self._due):
            board = fleet.boards[index]
            if self._due[index][1] == _TRIED:
                self._judge(index)
            elif board.is_updating:
                board.boot(CAUSE_SOFT_RESET)
        self._due.clear()
        for index in fleet.own:
            self._take_back(index)
        Made.end(self, fleet)

    def _take_back(self, index: int) -> None:
        """Have a board hear a later offer that names nobody here, as soon as it listens."""
        fleet = self.fleet
        if fleet.boards[index].agent is None or not self._offers:
            return  # a start forgets it
        if not fleet.medium.is_listening(index):
            if fleet.clock.now_ms < self.end_ms + UPDATE_MS_MIN:  # it has not followed it up
                self._later(index, _AGAIN_MS, _TAKEN_BACK)
            return
        fields = list(self._offers[0])
        fields[0], fields[_NODES] = _GENERATION + 1, [node_of(_NOBODY)]
        self._send(index, fields, self._next_number(index), index)

    def _later(self, index: int, span_ms: int, what: int) -> None:
        at_ms = self.fleet.clock.now_ms + span_ms
        self._due[index] = at_ms, what
        self.fleet.call_fault_at(at_ms, self, index)

    def _install(self, index: int) -> None:
        board = self.fleet.boards[index]
        self._before[index] = board.release
        board.release = self._sequence, RELEASE_CLASS, talk.STAGE_TRIAL
        board.boot(CAUSE_SOFT_RESET)
        self._later(index, self.trial_ms, _TRIED)

    def _judge(self, index: int) -> None:
        board = self.fleet.boards[index]
        if self.is_bad:
            board.release = self._before[index]
            board.crash(CAUSE_PANIC)
        else:
            board.release = self._sequence, RELEASE_CLASS, talk.STAGE_CONFIRMED
            board.restart()
