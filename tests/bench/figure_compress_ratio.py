"""Bytes of payloads after packing, of what the examples and a batch of readings send on the air.

Each example runs as five agents in an emulated world, and all frames that leave are taken; every
payload is packed if that makes it smaller, as where air alone counts. The ratio is over all of
them: an example's short messages get no smaller, so each kind is said apart, with batches of
readings in one message, which do. Beside it, time and heap on MicroPython, in Python and as
machine code, and how many bytes each encoder takes on a board.
"""

import json
from array import array
from collections import defaultdict
from collections.abc import Callable

from cma_toolkit.firmware.kernel.codec import cbor, frame
from cma_toolkit.firmware.kernel.codec.deflate import PLACES
from cma_toolkit.firmware.kernel.codec.packed import pack, unpack
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES
from cma_toolkit.firmware.kernel.power.packing import SIZE_MIN
from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.sim.world.app_loader import load_setup
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.watcher import Watcher
from support import native
from support.inflate import inflate

UNIT = "percent"
AT_MOST = 90.0
AGENTS, SPAN_S = 5, 600
EXAMPLES = {
    "greenhouse": {"soil": 250},
    "heartbeat": {},
    "majority": {"temperature": 27},
    "presence_light": {"motion": 1},
}
KINDS = {
    frame.KIND_ANNOUNCE: "announcements",
    frame.KIND_MESSAGE: "messages of examples",
    frame.KIND_TELEMETRY: "telemetry",
}
BATCHES = "batches of readings"
FILES = ("kernel/codec/deflate.py", "kernel/codec/packed.py", "kernel/power/packing.py")
MACHINE = "native/deflate.py"


class Tap(Watcher):
    """Keeps the payloads that leave, by what they are."""

    def __init__(self) -> None:
        self.payloads = defaultdict[str, list[bytes]](list)

    def sent(self, fleet: Fleet, source: int, data: bytes) -> None:
        """Take one."""
        self.payloads[KINDS.get(data[1], "others")].append(bytes(data[HEADER_BYTES:]))


def _of_examples() -> Tap:
    tap = Tap()
    for name, sensors in EXAMPLES.items():
        setup = load_setup(str(FIRMWARE / "examples" / f"{name}.py"))
        Fleet(setup, AGENTS, 1, sensors=dict(sensors), watchers=[tap]).run(SPAN_S)
    return tap


def _batches() -> list[bytes]:
    """Return readings as the greenhouse has them, told together once an hour."""
    soil, made = 420, []
    for hour in range(24):
        rows = []
        for minute in range(0, 60, 10):
            soil += -4 if soil > 260 else 180
            rows.append({"at": 1_764_000_000 + 3600 * hour + 60 * minute, "soil": soil})
        made.append(cbor.encode(["greenhouse", rows]))
    return made


def _packed_bytes(payload: bytes) -> int:
    """Return how many bytes of a payload travel; what is packed must come back."""
    out = bytearray(len(payload))
    size = 0
    if len(payload) >= SIZE_MIN:
        size = pack(payload, len(payload), out, array("H", [0] * PLACES))
    if not size:
        return len(payload)
    assert unpack(out[:size], inflate) == payload
    return size


def _say_costs(say: Callable[[str], None]) -> None:
    found = json.loads(native.run("deflate_speed"))
    for form in ("python", "machine"):
        times = found[form]["us"] / found["sha256_us"]
        say(f"{form}: {found[form]['us']} us for 226 bytes, {times:.0f} times one SHA-256 of them")
        say(f"{form}: {found[form]['heap']} B of heap a call, and {2 * PLACES} B kept")
    for path in FILES:
        size = len(mpy.compile_source((FIRMWARE / path).read_bytes(), path, lines=False))
        say(f"{path} {size} B as .mpy")
    source = (FIRMWARE / MACHINE).read_bytes()
    for family in mpy.FAMILIES:
        say(
            f"{MACHINE} {len(mpy.compile_source(source, MACHINE, family, lines=False))} B {family}"
        )


def measure(say: Callable[[str], None]) -> float:
    """Pack what four worlds say."""
    payloads = dict(_of_examples().payloads)
    payloads[BATCHES] = _batches()
    plain = packed = 0
    for name, texts in sorted(payloads.items()):
        before = sum(map(len, texts))
        after = sum(_packed_bytes(text) for text in texts)
        plain, packed = plain + before, packed + after
        share = 100 * after / before
        say(f"{name}: {len(texts)} of {before / len(texts):.0f} bytes, {share:.1f} % of them left")
    _say_costs(say)
    return 100 * packed / plain
