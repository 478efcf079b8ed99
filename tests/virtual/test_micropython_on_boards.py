"""MicroPython over the air, on a board: fetched, tried, kept; then the release that needs it."""

import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from cma_toolkit.boards.flash_map import TABLE_OFFSET
from cma_toolkit.boards.load import load_board
from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.codec.frame import node_id
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.release.refusals import REFUSED_GIVEN_UP, REFUSED_MICROPYTHON
from cma_toolkit.firmware.kernel.release.talk import STAGE_REJECTED
from cma_toolkit.host_tools.agent.udp import UdpLink
from cma_toolkit.host_tools.flash.agent import make_agent, regions
from cma_toolkit.host_tools.flash.contents import FIRMWARE, build_image, build_user, contents_for
from cma_toolkit.host_tools.flash.table_state import finished_sector
from cma_toolkit.host_tools.image.chips import BOOTLOADER_OFFSETS
from cma_toolkit.host_tools.image.loader import build_loader
from cma_toolkit.host_tools.release import artefact, documents
from cma_toolkit.host_tools.release.artefact import Numbers, Release
from cma_toolkit.host_tools.release.edge import Offered, Report
from cma_toolkit.host_tools.release.published import Published, PublishedRuntime
from cma_toolkit.host_tools.release.runtime_image import build_over_the_air
from cma_toolkit.host_tools.release.server import Server
from cma_toolkit.sim.virtual_board.boot.firmware_image import make_app, make_micropython
from cma_toolkit.sim.virtual_board.rom.chips import find_chip
from cma_toolkit.sim.virtual_board.runtime.run_config import WIFI
from support import nvs_build
from support.board_records import AgentBoard
from support.release_board import FIRST, RELEASE, ROOT, ROOT_2, TIMESTAMP
from support.release_signers import LATER_S, NOW_S, signed
from support.virtual import VirtualBoards

BOARD = load_board("esp32-s3-devkitc-1")
BUILD = build_over_the_air(BOARD)
NAME, PORT, SEQUENCE = "garden", 47_477, 7
OLD, NEW = "1.28.0", "1.29.0"
TELLS = b"import os\ndef setup(agent):\n    agent.report(%r + os.uname().release)\n"
APP = make_app(find_chip(BOARD.chip), NEW)
SETTINGS = {"trial_ms": 300, "status_ms": 0}


def network_of(name: str) -> int:
    """Return a network of a board's own: tests that run beside each other share the air."""
    return 1 + zlib.crc32(name.encode()) % 65_535


@cache
def release() -> Release:
    """Return a signed release with the MicroPython that it needs."""
    numbers = Numbers(SEQUENCE)
    runtime = artefact.make_runtime(BUILD, APP, "6.3", numbers)
    image = build_image({"app.py": TELLS % "new "}, NAME)
    made = artefact.make(NAME, [image], "6.3", numbers, (runtime,))
    payloads = [documents.open_envelope(part.envelope)[0] for part in made.all_parts]
    return made.with_envelopes([signed(payload, [RELEASE]) for payload in payloads])


def flash_of(name: str, version: str, application: bytes) -> bytes:
    """Return the flash of a board that a cable gave a MicroPython and an application."""
    flash = bytearray(b"\xff" * BOARD.flash_size_bytes)
    made = contents_for(BOARD, make_micropython(BOARD.chip, version))
    image = build_image({"app.py": application}, NAME)
    loader, root = build_loader(FIRMWARE), FIRST.to_bytes()
    agent = make_agent(loader, image, BOARD.chip, root, build=BUILD)
    user, nvs = BOARD.partition("user"), BOARD.partition("nvs")
    ((wifi, password),) = WIFI.items()
    texts = {"name": name, "wifi_ssid": wifi, "wifi_password": password}
    entries = [nvs_build.blob("cma", key, value.encode()) for key, value in texts.items()]
    entries.append(
        nvs_build.blob("cma", "settings", cbor.encode(SETTINGS | {"network": network_of(name)}))
    )
    pieces = [
        (BOOTLOADER_OFFSETS[BOARD.chip], made.bootloader),
        (TABLE_OFFSET, finished_sector(made.table)),
        (BOARD.partition("factory").offset, made.app),
        (BOARD.partition("vfs").offset, made.vfs),
        (user.offset, build_user({}, user.size_bytes)),
        (nvs.offset, nvs_build.build(entries, nvs.size_bytes)),
        *((one.offset, one.data) for one in regions(agent, BOARD.partitions, keep=True)),
    ]
    for offset, data in pieces:
        flash[offset : offset + len(data)] = data
    return bytes(flash)


class Everybody:
    """The edge's offers, and what it was told."""

    def __init__(self) -> None:
        made = release()
        digests = [part.digest for part in made.all_parts]
        said = documents.timestamp(1, NOW_S, LATER_S, digests)
        stamp, roots = signed(said, [TIMESTAMP]), {1: signed(FIRST.to_bytes(), [ROOT, ROOT_2])}
        self._offers = [Offered(Published(part, stamp, roots)) for part in made.parts]
        self._offers += [Offered(PublishedRuntime(part, stamp, roots)) for part in made.runtimes]
        self.reports: list[Report] = []

    def now(self) -> tuple[int, Sequence[Offered]]:
        """Return what is offered."""
        return 1, self._offers

    def on_report(self, report: Report) -> None:
        """Hear a board."""
        self.reports.append(report)

    def hear(self, listening: object, *, is_last: bool = False) -> None:
        """Take nothing from it: nobody here wants to know who hears whom."""


@contextmanager
def edge(board: "Upgraded") -> Iterator[Everybody]:
    """Serve a board the release for as long as the block lasts."""
    offers, node = Everybody(), node_id(b"edge of micropython")
    is_serving, is_over = threading.Event(), threading.Event()
    identity = Identity("edge", node, network_of(board.name), "")

    def serve() -> None:
        with closing(UdpLink(node, PORT, [])) as link:
            server = Server([link], identity, offers, lambda report: None)
            while not is_over.is_set():
                server.run(0.2)
                is_serving.set()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert is_serving.wait(60)  # who boots earlier hears nobody, and begins with what it has
        yield offers
    finally:
        is_over.set()
        thread.join()


class Upgraded(AgentBoard):
    """A board that a cable gave a MicroPython and an application, and the edge that it hears."""

    def __init__(self, boards: VirtualBoards, name: str, version: str, application: bytes) -> None:
        super().__init__(boards, name, board_id=BOARD.id)
        self.client.stop(name)
        Path(self.info.image).write_bytes(flash_of(name, version, application))
        self._since = self.mark()

    def wait_for(self, *steps: object) -> None:
        """Wait until records have these values, one after the other."""
        for step in steps:
            self.wait(lambda fields, step=step: step in fields.values(), self._since)

    def told(self, but: str = "") -> list[str]:
        """Return what its application told at each start.

        On a busy computer a board may hear the edge too late and begin with what it has: `but` is
        what it tells then, which is left out if it comes first.
        """
        told = [str(one["what"]) for one in self.records()[self._since :] if "what" in one]
        return told[1:] if told[:1] == [but] else told

    def place(self, label: str, size_bytes: int) -> bytes:
        """Return the begin of a partition."""
        return self.read_flash(BOARD.partition(label).offset, size_bytes)


def test_micropython_is_fetched_tried_and_kept_and_the_release_after_it(
    shared_boards: VirtualBoards,
) -> None:
    board = Upgraded(shared_boards, "upgraded", OLD, TELLS % "old ")
    with edge(board) as offers:
        board.client.start(board.name)
        board.wait_for("micropython whole", "healthy", "release whole", f"new {NEW}")
    board.client.stop(board.name)
    # First the application that was there, on trial on what was fetched; then the release.
    assert board.told(but=f"old {OLD}") == [f"old {NEW}", f"new {NEW}"]
    assert board.place("ota_0", len(APP)) == APP
    assert board.place("otadata", 28)[24:] == b"\2\0\0\0", "valid"
    # To a roll-out it is a board that fetches the release: nothing of it was refused.
    assert {report.reason for report in offers.reports} <= {0, REFUSED_MICROPYTHON}
    assert STAGE_REJECTED not in {report.stage for report in offers.reports}
    assert max(report.done_permille for report in offers.reports) == 1000


def test_micropython_on_which_the_agent_crashes_is_left_for_the_one_before(
    shared_boards: VirtualBoards,
) -> None:
    crashing = TELLS % "old " + b"    if os.uname().release == %r: raise SystemExit\n"
    board = Upgraded(shared_boards, "gone-back", OLD, crashing % NEW)
    with edge(board) as offers:
        board.client.start(board.name)
        board.wait_for("micropython whole")
        for count in range(1, 4):
            board.wait(lambda _, count=count: len(board.told(but=f"old {OLD}")) >= count)
        board.wait(lambda _: STAGE_REJECTED in {report.stage for report in offers.reports})
    board.client.stop(board.name)
    # Two crashes: after a third one the agent would leave the application out, which is innocent.
    told = board.told(but=f"old {OLD}")
    assert told[:3] == [f"old {NEW}"] * 2 + [f"old {OLD}"]
    (rejected,) = {one for one in offers.reports if one.stage == STAGE_REJECTED}
    assert (rejected.target, rejected.reason) == (SEQUENCE, REFUSED_GIVEN_UP)


def test_micropython_that_came_by_cable_needs_not_come_again(
    shared_boards: VirtualBoards,
) -> None:
    board = Upgraded(shared_boards, "current", NEW, TELLS % "old ")
    with edge(board):
        board.client.start(board.name)
        board.wait_for("release whole", f"new {NEW}")
    board.client.stop(board.name)
    assert board.told(but=f"old {NEW}") == [f"new {NEW}"]
    assert set(board.place("ota_0", 4096) + board.place("otadata", 8192)) == {0xFF}
