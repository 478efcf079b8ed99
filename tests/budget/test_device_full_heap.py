"""What cannot be told or loaded ends nothing silently, on MicroPython, in a heap as a board's."""

from pathlib import Path

import pytest

from support.agent_heap import Bench

ROOMY_BYTES = 100 * 1024
CRASHED = b"\xc4\xa7\x01\x01"  # it ran, and crashed once

# It takes the heap but for some bytes, in pieces, as the application of a beginner would.
HOARDER = """
import gc

def setup(agent):
    agent.stay_awake(1_000_000)
    hold = [None]
    count = [0]

    @agent.on("beat")
    def hear(message):
        pass

    @agent.every(1_000)
    def turn():
        count[0] += 1
        if count[0] == 3:
            head = None
            try:
                gc.collect()
                while gc.mem_free() > {free}:
                    head = (head, bytearray({piece}))
                    hold[0] = head
            except MemoryError:
                pass
            gc.collect()
        if count[0] == 5:
            {what}
        if count[0] == 130:
            hold[0] = None
        if count[0] == 200:
            agent.report("alive", count[0])
            raise SystemExit
"""
HOARDS = {
    "nothing else": "pass",
    "an exception": "raise ValueError('x')",
    "no memory left": "hold.append(bytearray(100_000))",
    "an event": "agent.report('filled', 1)",
}


@pytest.mark.parametrize("what", HOARDS)
@pytest.mark.parametrize(("free", "piece"), [(2_500, 300), (1_500, 30), (1_000, 300)])
def test_an_agent_outlives_a_heap_that_has_no_room_to_tell(
    tmp_path: Path, what: str, free: int, piece: int
) -> None:
    source = HOARDER.format(free=free, piece=piece, what=HOARDS[what])
    printed, _ = Bench(tmp_path, application=source.encode()).boot(ROOMY_BYTES)
    assert '"what": "alive"' in printed, printed[-1000:]
    status = [line for line in printed.split("\n") if line.startswith('\x1e{"kind": "status"')]
    assert '"untold": 0,' in status[0]
    assert '"untold": 0,' not in status[-1], "what was left out is counted"


@pytest.mark.parametrize(
    "name", ["kernel/agent.mpy", "device/loop.mpy", "kernel/mending.mpy", "device/telling.mpy"]
)
def test_an_agent_that_cannot_be_loaded_is_a_crash_of_which_the_next_boot_tells(
    tmp_path: Path, name: str
) -> None:
    bench = Bench(tmp_path)
    bench.damage(name)
    printed, rtc = bench.boot(ROOMY_BYTES)
    assert printed.count("incompatible .mpy file") == 1
    assert "it starts anew in 1 s, Ctrl-C stops it" in printed
    assert rtc.startswith(CRASHED) and rtc.endswith(b"ValueError: incompatible .mpy file\n")


def test_a_heap_that_is_too_small_to_load_the_agent_is_a_crash_too(tmp_path: Path) -> None:
    printed, rtc = Bench(tmp_path).boot(44 * 1024)
    assert "MemoryError" in printed and "starts anew in 1 s" in printed
    assert rtc.startswith(CRASHED) and b"MemoryError" in rtc


@pytest.mark.parametrize("name", ["device/ending.mpy", "device/crash.mpy"])
def test_without_the_code_that_records_a_crash_its_cause_is_printed_first(
    tmp_path: Path, name: str
) -> None:
    bench = Bench(tmp_path, application=b"raise SystemExit(42)\n")
    bench.damage(name)
    printed, _ = bench.boot(ROOMY_BYTES)
    if "ending" in name:  # the other one is needed before the application runs
        assert printed.index("SystemExit: 42") < printed.index("incompatible .mpy file")
    assert "the board starts anew in 10 s, Ctrl-C stops it" in printed
    assert printed.rstrip().endswith("reset")
