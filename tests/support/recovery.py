"""Boards whose flash somebody damaged: they come back over the air, or by one command of a cable.

A board has what `cma flash` put into slot A and a signed release in slot B, which runs. A case
damages some of its flash while it is off. The edge beside it offers the next release and nothing
else. A board has recovered when it says that it runs that one, confirmed: whatever was damaged,
it still starts, listens, fetches, tries and keeps.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from cma_toolkit.boards.flash_map import TABLE_OFFSET
from cma_toolkit.boards.load import Board, load_board
from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.codec.frame import node_id
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.ports import Flash
from cma_toolkit.firmware.kernel.release import layout
from cma_toolkit.firmware.kernel.release.index import BLOCK_BYTES, image_digest, index_of
from cma_toolkit.firmware.kernel.release.installation import Installation
from cma_toolkit.firmware.kernel.release.manifest import Board as Kind
from cma_toolkit.firmware.kernel.release.manifest import Manifest, to_bytes
from cma_toolkit.firmware.kernel.release.region import Region
from cma_toolkit.firmware.kernel.release.slots import COST_POWER
from cma_toolkit.firmware.kernel.release.talk import STAGE_CONFIRMED
from cma_toolkit.firmware.kernel.release.update import Update
from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.host_tools.agent.udp import UdpLink
from cma_toolkit.host_tools.flash.agent import make_agent, regions
from cma_toolkit.host_tools.flash.contents import FIRMWARE, build_image, build_user, contents_for
from cma_toolkit.host_tools.flash.table_state import finished_sector
from cma_toolkit.host_tools.image.chips import BOOTLOADER_OFFSETS
from cma_toolkit.host_tools.image.loader import build_loader
from cma_toolkit.host_tools.release import artefact, documents
from cma_toolkit.host_tools.release.artefact import Part
from cma_toolkit.host_tools.release.edge import Offered, Report
from cma_toolkit.host_tools.release.listening import Listening
from cma_toolkit.host_tools.release.published import Published
from cma_toolkit.host_tools.release.server import Server
from cma_toolkit.sim.virtual_board.boot.firmware_image import make_micropython
from cma_toolkit.sim.virtual_board.runtime.run_config import WIFI
from cma_toolkit.sim.virtual_board.supervisor.home import HOME_VARIABLE
from support import nvs_build
from support.release_board import FIRST, RELEASE, ROOT, ROOT_2, TIMESTAMP
from support.release_signers import DAY_S, MPY, NOW_S, signed
from support.virtual import VirtualBoards

BOARD_ID = "esp32-devkitc"
BOARD: Board = load_board(BOARD_ID)
SEQUENCE, NEXT = 7, 8  # of what the boards run, and of what they are offered
NAME, NETWORK, PORT = "recovery", 41_771, 47_477
WITHIN_S = 240.0  # a busy computer takes minutes for it
SETTINGS = {"trial_ms": 500, "status_ms": 0}
APPLICATION = b"def setup(agent):\n    agent.every(200)(lambda: agent.publish('beat', %d))\n"
AT_ONCE = 8  # boards


class Cells(Flash):
    """The partition `romfs` in memory."""

    def __init__(self, cells: bytearray) -> None:
        self.cells = cells
        self.sector_bytes = layout.SECTOR_BYTES
        self.sector_count = len(cells) // layout.SECTOR_BYTES

    def read(self, address: int, buffer: bytearray | memoryview) -> None:
        """Fill a buffer."""
        buffer[:] = self.cells[address : address + len(buffer)]

    def program(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Clear bits."""
        for at, byte in enumerate(data):
            self.cells[address + at] &= byte

    def erase(self, sector: int) -> None:
        """Set all bits of a sector."""
        at = sector * self.sector_bytes
        self.cells[at : at + self.sector_bytes] = b"\xff" * self.sector_bytes

    def sync(self) -> None:
        """Nothing waits."""


@cache
def release(
    application: bytes = APPLICATION % SEQUENCE, sequence: int = SEQUENCE
) -> tuple[Part, bytes]:
    """Return a release, by default the one that boards run, and word that it is current."""
    image = build_image({"app.py": application}, NAME)
    manifest = Manifest(
        sequence, artefact.class_id(NAME, ""), image_digest(image.data), len(image.data)
    )
    manifest.mpy = MPY
    payload = to_bytes(manifest)
    listed = [documents.digest_of(payload)]
    stamp = documents.timestamp(sequence - SEQUENCE + 1, NOW_S, NOW_S + DAY_S, listed)
    return Part("", signed(payload, [RELEASE]), image.data), signed(stamp, [TIMESTAMP])


@cache
def healthy_flash() -> bytes:
    """Return the flash of a board on which all is well."""
    return make_flash(APPLICATION % 0, APPLICATION % SEQUENCE, is_confirmed=True)


def make_flash(by_hand: bytes, application: bytes, *, is_confirmed: bool) -> bytes:
    """Return the flash of a board that a cable gave one application, and a release another."""
    flash = bytearray(b"\xff" * BOARD.flash_size_bytes)
    made = contents_for(BOARD, make_micropython(BOARD.chip))
    image = build_image({"app.py": by_hand}, NAME)
    agent = make_agent(build_loader(FIRMWARE), image, BOARD.chip, FIRST.to_bytes())
    user = BOARD.partition("user")
    pieces = [
        (BOOTLOADER_OFFSETS[BOARD.chip], made.bootloader),
        (TABLE_OFFSET, finished_sector(made.table)),
        (BOARD.partition("factory").offset, made.app),
        (BOARD.partition("vfs").offset, made.vfs),
        (user.offset, build_user({"notes.txt": b"mine"}, user.size_bytes)),
        *((one.offset, one.data) for one in regions(agent, BOARD.partitions, keep=True)),
    ]
    for offset, data in pieces:
        flash[offset : offset + len(data)] = data
    place = BOARD.partition("romfs")
    cells = flash[place.offset : place.end]
    _install(Cells(cells), *release(application), is_confirmed=is_confirmed)
    flash[place.offset : place.end] = cells
    return bytes(flash)


def settings_of(name: str, network: int = NETWORK) -> bytes:
    """Return the partition `nvs` of a board.

    All virtual boards of a computer hear each other's UDP, those of other tests too: whoever
    wants no release of theirs has another network.
    """
    ((wifi, password),) = WIFI.items()
    texts = {"name": name, "wifi_ssid": wifi, "wifi_password": password}
    entries = [nvs_build.blob("cma", key, value.encode()) for key, value in texts.items()]
    entries.append(
        nvs_build.blob("cma", "settings", cbor.encode({**SETTINGS, "network": network}))
    )
    return nvs_build.build(entries, BOARD.partition("nvs").size_bytes)


def _install(flash: Cells, part: Part, stamp: bytes, *, is_confirmed: bool) -> None:
    """Bring a release into slot B, on trial or confirmed, as a board does."""
    count = flash.sector_count
    journal = Journal(Region(flash, layout.journal_at(count), layout.JOURNAL_SECTORS))
    journal.recover()
    board = Installation(flash, JournalTable(journal), FIRST.to_bytes())
    assert board.boot(COST_POWER) == 0, "what came by hand runs first"
    kind = Kind((part.manifest.class_id,), layout.image_bytes(count), MPY)
    assert board.on_timestamp(stamp) == 0
    update = Update(board)
    assert update.begin(part.envelope, index_of(part.image), kind) == 0
    for number in range(-(-len(part.image) // BLOCK_BYTES)):
        start = number * BLOCK_BYTES
        update.write_block(number, part.image[start : start + BLOCK_BYTES])
    assert update.finish() and update.start()
    if is_confirmed:
        assert board.boot(COST_POWER) == 1
        board.confirm()


def damage(flash: bytes, labels: Sequence[str], seed: int) -> bytes:
    """Return a flash of which some stretches are not what they were."""
    draw = random.Random(seed)
    made = bytearray(flash)
    for label in draw.sample(labels, draw.randint(1, len(labels))):
        begin, end = _place(label)
        for _ in range(draw.randint(1, 3)):
            size = min(end - begin, draw.choice((1, 16, 300, 4096, 20_000, end - begin)))
            at = draw.randrange(begin, end - size + 1)
            made[at : at + size] = _damaged(made[at : at + size], draw)
    return bytes(made)


def _place(label: str) -> tuple[int, int]:
    part = BOARD.partition("romfs")
    count = part.size_bytes // layout.SECTOR_BYTES
    slot = layout.slot_sectors(count)
    sectors = {
        "slot A": (layout.slot_at(0, count), slot),
        "slot B": (layout.slot_at(1, count), slot),
        "papers A": (layout.trailer_at(0, count), layout.TRAILER_SECTORS),
        "papers B": (layout.trailer_at(1, count), layout.TRAILER_SECTORS),
        "journal": (layout.journal_at(count), layout.JOURNAL_SECTORS),
    }
    if label not in sectors:
        return BOARD.partition(label).offset, BOARD.partition(label).end
    first, size = sectors[label]
    begin = part.offset + first * layout.SECTOR_BYTES
    return begin, begin + size * layout.SECTOR_BYTES


def _damaged(data: bytes, draw: random.Random) -> bytes:
    how = draw.choice(("noise", "erased", "zeros", "a bit"))
    if how == "noise":
        return draw.randbytes(len(data))
    if how == "a bit":
        at = draw.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]
    return (b"\xff" if how == "erased" else b"\0") * len(data)


OVER_THE_AIR = ("slot A", "slot B", "papers A", "papers B", "journal", "user")
BY_CABLE = ("vfs",)


class Everybody:
    """The edge's offer, and who said what it runs, confirmed."""

    def __init__(self, sequence: int) -> None:
        part, stamp = release(APPLICATION % sequence, sequence)
        roots = {1: signed(FIRST.to_bytes(), [ROOT, ROOT_2])}
        self._offers = [Offered(Published(part, stamp, roots))]
        self.confirmed: dict[int, int] = {}  # the sequence, by node

    def now(self) -> tuple[int, Sequence[Offered]]:
        """Return what is offered."""
        return 1, self._offers

    def on_report(self, report: Report) -> None:
        """Hear a board."""
        if report.stage == STAGE_CONFIRMED:
            self.confirmed[report.node] = report.sequence

    def hear(self, listening: Listening, *, is_last: bool = False) -> None:
        """Keep nothing of the air."""


@contextmanager
def edge(sequence: int = NEXT) -> Iterator[Everybody]:
    """Serve a release for as long as the block lasts."""
    offers, is_over = Everybody(sequence), threading.Event()
    node = node_id(b"edge of recovery")

    def serve() -> None:
        with closing(UdpLink(node, PORT, [])) as link:
            server = Server(
                [link], Identity("edge", node, NETWORK, ""), offers, lambda report: None
            )
            while not is_over.is_set():
                server.run(1.0)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield offers
    finally:
        is_over.set()
        thread.join()


class Bench:
    """Virtual boards, each damaged and switched on again and again."""

    def __init__(self, boards: VirtualBoards, count: int = AT_ONCE) -> None:
        self._client, self._home = boards.client, boards.home
        self._infos = [
            self._client.create(f"damaged-{number}", BOARD_ID, start=False)
            for number in range(count)
        ]
        self._nodes = [node_id(bytes.fromhex(one.mac.replace(":", ""))) for one in self._infos]

    def over_the_air(self, seeds: Sequence[int], offered: int = NEXT) -> list[int]:
        """Damage all but the root; return the seeds whose board did not come back by itself."""
        lost: list[int] = []
        with edge(offered) as offers:
            for first in range(0, len(seeds), len(self._infos)):
                batch = seeds[first : first + len(self._infos)]
                self._switch_on(batch, OVER_THE_AIR, offers)
                lost += self._wait(batch, offers)
        return lost

    def by_cable(self, seeds: Sequence[int], folder: Path) -> list[int]:
        """Damage the root; return the seeds whose board one command did not see running again."""
        lost: list[int] = []
        for first in range(0, len(seeds), len(self._infos)):
            batch = seeds[first : first + len(self._infos)]
            self._switch_on(batch, BY_CABLE)
            ports = [word for one in self._infos[: len(batch)] for word in ("-p", one.fast)]
            command = [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "flash"]
            done = subprocess.run(
                [*command, *ports, "--yes", "-o", "json"],
                cwd=folder,
                env={**os.environ, HOME_VARIABLE: str(self._home)},
                capture_output=True,
                text=True,
                check=False,
            )
            (summary,) = (
                fields
                for fields in map(json.loads, done.stdout.splitlines())
                if fields["event"] == "summary"
            )
            lost += [
                seed for seed, board in zip(batch, summary["boards"], strict=True) if board["code"]
            ]
        return lost

    def _switch_on(
        self, seeds: Sequence[int], labels: Sequence[str], offers: Everybody | None = None
    ) -> None:
        for info, node, seed in zip(self._infos, self._nodes, seeds, strict=False):
            self._client.stop(info.name)
            flash, at = bytearray(healthy_flash()), BOARD.partition("nvs").offset
            own = settings_of(info.name)
            flash[at : at + len(own)] = own
            Path(info.image).write_bytes(damage(bytes(flash), labels, seed))
            if offers:
                offers.confirmed.pop(node, None)
            self._client.start(info.name)

    def _wait(self, seeds: Sequence[int], offers: Everybody) -> list[int]:
        until_s = time.monotonic() + WITHIN_S
        left = dict(zip(seeds, self._nodes, strict=False))
        while left and time.monotonic() < until_s:
            runs = offers.confirmed.get
            left = {seed: node for seed, node in left.items() if runs(node) != NEXT}
            time.sleep(0.1)
        return list(left)
