"""Bad input that costs energy, air or time, one test a class: an agent keeps to its budgets.

The floods of frames themselves are in test_flood_bad_input.py.
"""

from kernel.codec import frame
from kernel.limits import HEADER_BYTES, OUTBOX_FRAMES_MAX
from kernel.ticks import ticks_add, ticks_diff
from support.pair import START_MS, STEP_MS, Node, Pair
from support.sleeper import Sleeper

FLOOD = 0x5000
PING = b"\x41\x00"


def ping(target, sequence, source=FLOOD):
    """Return a frame that asks for an answer."""
    data = bytearray(HEADER_BYTES) + PING
    frame.write_header(data, frame.KIND_PING, 7, source, target, sequence)
    return data


CURRENTS = {"active": 30_000, "wifi_rx": 90_000, "wifi_tx": 200_000, "deep_sleep": 10}
PERIOD_MS, SPAN_MS = 60_000, 1_800_000
BUDGET_UAH = 12_500  # of a day; the agent gets a 50th of it in each span


def flooded(board, span_ms):
    """Ask an agent for answers while it is awake; return the charge it uses in that time."""
    before, start_ms, sequence = board.node.status("used_uah"), board.now_ms, 0
    target = board.node.identity.node
    while ticks_diff(board.now_ms, start_ms) < span_ms:
        board.run(10)
        sequence = sequence + 1 & 0xFFFF
        board.hear(ping(target, sequence))
        board.frames, board.sent_at_ms = [], []
    return board.node.status("used_uah") - before


def test_57_a_flood_in_each_window_of_a_sleeper():
    boards = [Sleeper(wake_period_ms=PERIOD_MS, currents=CURRENTS, budget_uah_per_day=budget)
              for budget in (BUDGET_UAH, BUDGET_UAH, 0)]  # fmt: skip
    calm, poor, rich = boards
    for board in boards:
        board.run(2 * PERIOD_MS)
    calm.run(SPAN_MS)
    flooded(poor, SPAN_MS)  # uses up what was saved
    before = calm.node.status("used_uah")
    calm.run(SPAN_MS)
    wanted = calm.node.status("used_uah") - before + BUDGET_UAH // 50
    assert flooded(rich, SPAN_MS) > wanted, "without a budget the flood costs more than that"
    assert flooded(poor, SPAN_MS) <= wanted
    assert abs(len(poor.wakes) - len(calm.wakes)) <= 4, "it wakes as often as ever"
    assert poor.node.status("dropped")["no energy"] > 0


def test_59_more_air_than_a_tenth_of_the_time():
    text = "x" * 180

    def shout(agent):
        @agent.every(10)
        def say():
            for _ in range(OUTBOX_FRAMES_MAX):
                agent.publish("t", text)

    pair = Pair(shout)
    pair.heard = AirMeter(pair.a.identity.node)
    pair.run(60_000)  # the burst
    pair.heard.air_ms = 0
    pair.run(120_000)
    assert 120_000 // 40 < pair.heard.air_ms <= 120_000 // 10
    assert pair.a.status("dropped")["over quota"] > 0
    # Whoever asks it is answered all the same: that is its share of the air.
    before = pair.b.status("received")
    pair.heard.kinds.clear()
    pair.send(pair.a, ping(pair.a.identity.node, 1, pair.b.identity.node))
    pair.run(200)
    assert frame.KIND_PONG in pair.heard.kinds and pair.b.status("received") > before


class AirMeter:
    """Take the place of a pair's list of frames: the sum of one node's air time is enough."""

    def __init__(self, node):
        self.air_ms, self.kinds, self._node = 0, set(), node

    def append(self, data):
        """Add the air time of a frame: a bit per microsecond, what surrounds it included."""
        if frame.read_source(data) == self._node:
            self.air_ms += 1 + len(data) // 125
            self.kinds.add(data[1])


def check_two_clocks(offset_ms, permille):
    """Let two agents talk, one of which has a clock that is off and runs wrong."""
    heard = []

    def talk(agent):
        agent.every(1_000)(lambda: agent.publish("t", 1))
        agent.on("t")(lambda message: heard.append(message.source))

    a, b = Node("a", 1), Node("b", 2)
    for real_ms in range(0, 60_000, STEP_MS):
        for node, other, offset, rate in ((a, b, 0, 1_000), (b, a, offset_ms, permille)):
            now_ms = ticks_add(START_MS, offset + real_ms * rate // 1_000)
            if not real_ms:
                node.start(now_ms)
                node.agent.set_up(now_ms, talk, node.out)
            for data in other.out.take_frames():
                node.agent.on_frame(now_ms, 0, data, len(data), -60, node.out)
            for _ in range(4):
                node.agent.on_time(now_ms, node.out)
    for node, other, rate in ((a, "b", permille), (b, "a", 1_000)):
        assert node.status("neighbours") == 1 and not node.status("dropped")
        assert node.status("lost") == 0
        assert abs(heard.count(other) - 60 * rate // 1_000) <= 2


def test_60_clocks_that_are_off_and_run_wrong():
    for offset_ms in (0, 1, 1 << 27, (1 << 28) - 1, -(1 << 28)):
        for permille in (900, 1_000, 1_100):
            check_two_clocks(offset_ms, permille)
