"""The whole agent in a heap of a given size, on MicroPython's unix port, the image mapped.

One life is two processes: power on, 1,000 messages heard, state committed, deep sleep; then awake
again from flash and snapshot, more messages, asleep again. What it prints is checked, so that a
heap that is too small for any of it does not pass.
"""

import ast
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cbor2

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.codec.frame import node_id
from cma_toolkit.firmware.kernel.config import Config
from cma_toolkit.firmware.kernel.effects import Effects
from cma_toolkit.firmware.kernel.errors import CAUSE_POWER_ON
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.ports import Parts, Table
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.host_tools.flash.contents import build_image
from cma_toolkit.host_tools.image import mpy, romfs
from cma_toolkit.host_tools.image.shrink.names import shorten

HERE = Path(__file__).parent
LAUNCHER = HERE / "launch_mapped.py"
STATE_BYTES = 128 * 1024
RTC_BYTES = 2048 + 12
MESSAGES = 1_000
HEAP_BYTES = 64 * 1024  # what a board may be asked for
PEERS = 8
AWAKE_MS = 600_000
WAKE_PERIOD_MS = 10_000
BEAT_MS = 4_000
NETWORK = 7
TIMEOUT_S = 60

_LIFE = b"""%s
def setup(agent):
    agent.state.setdefault("heard", 0)

    @agent.every(4_000)
    def beat():
        agent.publish("beat", agent.state["heard"])

    @agent.on("beat")
    def hear(message):
        agent.state["heard"] += 1
        if agent.state["heard"] < 1_000:
            agent.stay_awake(30_000)
%s
    if agent.state["heard"] == 0:
        agent.stay_awake(30_000)
%s"""
_TELL = b"""
    async def tell():
        while agent.state["heard"] < 1_000:
            await asyncio.sleep_ms(1_000)
        agent.report("heard", 1_000)
"""
# That enough was heard is told by a task of asyncio, or at once.
APPLICATION = _LIFE % (b"import asyncio\n", _TELL, b"        asyncio.create_task(tell())\n")
APPLICATION_WITHOUT_TASK = _LIFE % (
    b"",
    b"""
        elif agent.state["heard"] == 1_000:
            agent.report("heard", 1_000)
""",
    b"",
)
# As short as what a board has in main.py: its code, too, is in the heap.
BOOT = """
import sys,uctypes,vfs
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(@,{image})),"/rom")
sys.path[:]="/rom",".frozen"
import heap_board as b
b.begin(@+{image},{cause})
from device.start import run
run()
"""
# For an interpreter that is a program of its own: open(path, O_RDWR), mmap(…, PROT_READ |
# PROT_WRITE, MAP_SHARED, …). Source: open(2), mmap(2), and their values on Linux.
MAP = """
import ffi
c = ffi.open("libc.so.6")
mapped = c.func("p", "mmap", "piiiii")(0, {size}, 3, 1, c.func("i", "open", "si")({path!r}, 2), 0)
del c, ffi
"""
BREAKDOWN = """
import uctypes, vfs, sys, gc
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(@, {image})), "/rom")
sys.path[:] = ["/rom", ".frozen"]
def step(name, was=[0]):
    gc.collect()
    now = gc.mem_alloc()
    print(name, now - was[0], "bytes, together", now)
    was[0] = now
step("interpreter and this program")
import heap_board
heap_board.begin(@ + {image}, 1)
step("stand-in for the hardware")
for name in {modules!r}:
    __import__(name)
    step(name)
"""
HEAP_FOR_LOOKING_BYTES = 1 << 20


@dataclass
class Life:
    """How one life went: what each process printed, and whether it did all it should."""

    outputs: tuple[str, ...]

    @property
    def records(self) -> list[list[dict[str, Any]]]:
        """Return the console records of each process."""
        return [
            [json.loads(line[1:]) for line in output.split("\n") if line.startswith("\x1e")]
            for output in self.outputs
        ]

    @property
    def is_whole(self) -> bool:
        """Tell whether the agent did everything."""
        if len(self.outputs) < 2 or not all("deep sleep" in text for text in self.outputs):
            return False
        first, second = self.records
        return (
            {"event": "app", "what": "heard", "value": MESSAGES}.items()
            <= next((one for one in first if one.get("what") == "heard"), {}).items()
            and any(one.get("event") == "resumed" for one in second)
            and not any("app error" in str(one.get("event")) for one in [*first, *second])
        )


class Bench:
    """The image in a file, with the memory of a board behind it."""

    def __init__(
        self, folder: Path, interpreter: str = "", application: bytes = APPLICATION
    ) -> None:
        """`interpreter` is another MicroPython than the wheel, one that has `ffi`."""
        self._folder = folder
        self._interpreter = interpreter
        # Where `ticks_ms` begins anew: one of a small int's bits is the sign's, another is unused.
        self._ticks_mask = 2**30 - 1 if interpreter else 2**32 - 1
        image = build_image({"app.py": application}, "heap").data
        settings = {"network": NETWORK, "wake_period_ms": WAKE_PERIOD_MS, "status_ms": 60_000}
        files = {
            **romfs.read(image),
            "heap_board.mpy": _stand_in(),
            "nvs/name": b"probe",
            "nvs/settings": cbor2.dumps(settings, canonical=True),
        }
        data = romfs.pack(files)
        self._files = tuple(files)
        self._image = data + bytes(-len(data) % 4096)
        self._frames = b"".join(frames())
        self.last_output = ""
        self._command = [sys.executable, "-I", "-S", str(LAUNCHER), _wheel()]

    def live(self, heap_bytes: int) -> Life:
        """Live one life in a heap of that size."""
        path = self._power_on()
        outputs = []
        for cause in (1, 4):
            outputs.append(self.run(self._boot(cause), heap_bytes, path))
            if "deep sleep" not in outputs[-1]:
                break
        self.last_output = outputs[-1]
        return Life(tuple(outputs))

    def boot(self, heap_bytes: int) -> tuple[str, bytes]:
        """Return what a board prints after it is switched on, and what RTC memory holds then."""
        path = self._power_on()
        printed = self.run(self._boot(1), heap_bytes, path)
        rtc = path.read_bytes()[len(self._image) + STATE_BYTES :][:RTC_BYTES]
        return printed, rtc[: int.from_bytes(rtc[-4:], "big")]

    def damage(self, name: str) -> None:
        """Make a file of the image unreadable."""
        files = {path: bytes(data) for path, data in romfs.read(self._image).items()}
        data = romfs.pack({**files, name: b"X" + files[name][1:]})
        self._image = data + bytes(-len(data) % 4096)

    def breakdown(self) -> list[str]:
        """Return what each part of the image takes once it is imported, a line each."""
        path = self._folder / "memory"
        path.write_bytes(self._image + b"\xff" * STATE_BYTES + bytes(RTC_BYTES + 251))
        modules = [
            name.removesuffix(".mpy").removesuffix("/__init__").replace("/", ".")
            for name in self._files
            if name.startswith("kernel/") and name.endswith(".mpy")
        ]
        program = BREAKDOWN.format(
            image=len(self._image),
            modules=["device.start", *sorted(modules), "device.loop", "app", "asyncio"],
        )
        said = self.run(program, HEAP_FOR_LOOKING_BYTES, path)
        return [line for line in said.splitlines() if line]

    def run(self, program: str, heap_bytes: int, path: Path) -> str:
        """Run a program in MicroPython with the file mapped."""
        command = [*self._command, str(path)]
        if self._interpreter:
            command = [self._interpreter]
            program = MAP.format(path=str(path), size=path.stat().st_size) + program.replace(
                "@", "mapped"
            )
        silent, other_end = os.pipe()  # a console on which nobody types
        try:
            done = subprocess.run(
                [*command, "-X", f"heapsize={heap_bytes}", "-c", program],
                stdin=silent,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        finally:
            os.close(silent)
            os.close(other_end)
        return done.stdout + done.stderr

    def _power_on(self) -> Path:
        """Write the memory of a board that was without power."""
        path = self._folder / "memory"
        # asyncio has its clock in C: what stands in for a board's begins at the same instant.
        numbers = struct.pack(">II", time.monotonic_ns() // 1_000_000 & self._ticks_mask, 0)
        rtc = bytes(RTC_BYTES - 12) + numbers + bytes(4)
        path.write_bytes(self._image + b"\xff" * STATE_BYTES + rtc + self._frames + bytes(251))
        return path

    def _boot(self, cause: int) -> str:
        return BOOT.format(image=len(self._image), cause=cause)


def smallest(lives: Callable[[int], bool], low: int, high: int, step: int) -> int:
    """Return the smallest heap in which the agent lives, to a step, between two sizes."""
    while high - low > step:
        middle = (low + high) // 2 // step * step
        if lives(middle):
            high = middle
        else:
            low = middle
    return high


def frames() -> Iterator[bytes]:
    """Yield what peers say, made by real agents: each frame with its length."""
    heard: list[bytes] = []
    peers = [Peer(number, heard) for number in range(PEERS)]
    for now_ms in range(0, AWAKE_MS, 50):
        for peer in peers:
            peer.pass_time(now_ms)
    for data in heard:
        yield bytes([len(data)]) + data.ljust(250, b"\0")


class Peer(Effects):
    """An agent that announces itself and tells its beats."""

    def __init__(self, number: int, heard: list[bytes]) -> None:
        self._heard = heard
        identity = Identity(f"peer-{number}", node_id(bytes([2, 0, 0, 0, 1, number])), NETWORK, "")
        self._agent = Agent(identity, Prng(number + 1), Table(), Parts(), Config())
        self._agent.start(0, CAUSE_POWER_ON, None, self)
        self._agent.set_up(0, self._set_up, self)

    def _set_up(self, agent: Any) -> None:
        agent.every(BEAT_MS)(lambda: agent.publish("beat", 1))

    def pass_time(self, now_ms: int) -> None:
        """Do what is due."""
        if self._agent.next_wake_at_ms() <= now_ms:
            self._agent.on_time(now_ms, self)

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Write the frame down."""
        self._heard.append(bytes(buffer[:length]))


def _stand_in() -> bytes:
    """Return the module that stands for a board's: no name is there that a board has not."""
    source = (HERE / "heap_board.py").read_bytes()
    found = {"label"}  # a keyword of `Partition.find`
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    public = {name for name in found if not name.startswith("_")}
    return mpy.compile_source(shorten({"board.py": source}, public)["board.py"], "device")


def _wheel() -> str:
    spec = find_spec("micropython_run")
    assert spec and spec.origin
    return str(Path(spec.origin).parent)


def in_a_folder(
    measure: Callable[[Bench], int], interpreter: str = "", application: bytes = APPLICATION
) -> int:
    """Give a bench to a measurement and clean up behind it."""
    with tempfile.TemporaryDirectory(prefix="cma-heap-") as folder:
        return measure(Bench(Path(folder), interpreter, application))
