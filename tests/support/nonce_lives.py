"""Lives of a node that loses its power, and every nonce that it used in them.

A case is one cut: what the node goes on with from there must use no nonce under a key under which
it used it before. It goes on with the same secrets, which is worse than what a node does: RTC
memory, and with it each session, is lost with the power.
"""

import random
from dataclasses import dataclass, field

from cma_toolkit.host_tools.secure.pyca import PycaCrypto
from kernel.codec.frame import BROADCAST, KIND_MESSAGE, write_header
from kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES
from kernel.secure.nonces import BLOCK
from kernel.secure.session import Protection
from support.journal_cuts import Geometry, Operation, boot, torn_images

NODE, PEER = 11, 22
GEOMETRY = Geometry(8, 512)
Used = tuple[bytes, bytes]  # a key and a nonce
Past = list[tuple[dict[Used, int], int]]  # what was used, and how much of it by now
SECOND_MODES = ("one byte", "all but one bit", "random mask")


class CountingAead:
    """An AEAD that tells what it sealed."""

    def __init__(self, crypto: "CountingCrypto", key: bytes) -> None:
        self._crypto, self._key = crypto, key
        self._aead = PycaCrypto.aead(crypto, key)

    def seal(self, nonce: bytes, aad: bytes, buffer: bytearray, start: int, end: int) -> int:
        """Seal, and note the nonce."""
        self._crypto.note((self._key, bytes(nonce)))
        return self._aead.seal(nonce, aad, buffer, start, end)

    def open(self, nonce: bytes, aad: bytes, buffer: bytearray, start: int, end: int) -> int:
        """Open."""
        return self._aead.open(nonce, aad, buffer, start, end)


class CountingCrypto(PycaCrypto):
    """The crypto port of a computer, and when each nonce was first used under its key."""

    def __init__(self, past: Past) -> None:
        super().__init__()
        self.used: dict[Used, int] = {}
        self.reused = 0
        self.past = past

    def aead(self, key: bytes) -> CountingAead:
        """Return an AEAD that counts."""
        return CountingAead(self, key)

    def note(self, used: Used) -> None:
        """Count a nonce that was used before."""
        was_used = any(known.get(used, until) < until for known, until in self.past)
        self.reused += was_used or used in self.used
        self.used[used] = len(self.used)


class Operations(list[tuple[int, Operation]]):
    """What reached a flash, each with how many frames were sealed before."""

    def __init__(self, crypto: CountingCrypto) -> None:
        super().__init__()
        self._crypto = crypto

    def append(self, operation: Operation) -> None:  # type: ignore[override]
        """Note an operation, as `NorSectors` tells it."""
        super().append((len(self._crypto.used), operation))


@dataclass
class Life:
    """What a node did: a place for each frame and each operation of flash."""

    used: dict[Used, int]
    epochs: dict[int, bytes] = field(default_factory=dict)
    places: list["Place"] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where the power may go: at rest, or while an operation is under way."""

    sealed: int  # frames so far
    cells: bytes
    secret: bytes  # of the session
    operation: Operation | None = None


class Living:
    """One node on its flash; `make` builds its protection."""

    def __init__(self, seed: int, make: type[Protection]) -> None:
        self._crypto = CountingCrypto([])
        self.life = Life(self._crypto.used)
        self._random = random.Random(seed)
        self._make = make
        self._flash = GEOMETRY.flash()
        self._flash.operations = Operations(self._crypto)
        self._cells = bytes(self._flash.cells)
        self._secret = self._random.randbytes(16)
        self._start()
        self._meet()

    def _start(self, snapshot: bytearray | None = None) -> None:
        self._table = boot(self._flash)
        self._node = self._make(self._crypto, self._table, NODE)
        if snapshot:
            self._node.load_from(snapshot, 0)
        self._note()

    def _note(self) -> None:
        """Note every operation since the last call, as one that a cut may hit, and now."""
        for sealed, operation in self._flash.operations:
            self.life.places.append(Place(sealed, self._cells, self._secret, operation))
            self._cells = changed(self._cells, operation)
        self._flash.operations.clear()
        self.life.places.append(Place(len(self._crypto.used), self._cells, self._secret))

    def _meet(self) -> None:
        self._secret = self._random.randbytes(16)
        self._node.install(PEER, self._secret)

    def live(self, steps: int) -> Life:
        """Do that many things."""
        deeds = [self._send] * 6 + [self._sleep, self._lose_power, self._meet, self._next_epoch]
        deeds += [self._store, self._fail]
        self._next_epoch()
        for _ in range(steps):
            self._random.choice(deeds)()
            self._note()
        return self.life

    def _send(self) -> None:
        target = self._random.choice((BROADCAST, PEER))
        for _ in range(self._random.choice((1, 2, 20, BLOCK))):
            send(self._node, target)
            self._note()

    def _sleep(self) -> None:
        snapshot = bytearray(Protection.SNAPSHOT_BYTES)
        self._node.save_into(snapshot, 0)
        self._start(snapshot)

    def _lose_power(self) -> None:
        self._start()
        self._node.install(PEER, self._secret)

    def _next_epoch(self) -> None:
        epoch = self._node.group.epoch + self._random.choice((1, 1, 2))
        secret = self._random.randbytes(16)
        if self._node.install_group(epoch, secret, is_fresh=True):
            self.life.epochs[epoch] = secret
        if self._random.random() < 0.5:
            self._node.group.retire()

    def _store(self) -> None:
        self._table.put(b"s%d" % self._random.randrange(4), self._random.randbytes(30))
        self._table.commit()

    def _fail(self) -> None:
        self._flash.bad = {sector: "program error" for sector in range(GEOMETRY.sector_count)}
        for target in (BROADCAST, PEER):
            send(self._node, target)
        self._flash.bad = {}
        self._start()  # after a failure the node is started anew
        self._node.install(PEER, self._secret)


def send(node: Protection, target: int) -> int:
    """Seal a frame; return its length, or why it was not sealed."""
    frame = bytearray(FRAME_BYTES_MAX)
    write_header(frame, KIND_MESSAGE, 7, NODE, target, 0)
    return node.seal(frame, HEADER_BYTES + 1)


def changed(cells: bytes, operation: Operation) -> bytes:
    """Return what an operation makes of a flash."""
    _, address, data = operation
    return cells[:address] + data + cells[address + len(data) :]


def cuts(place: Place, seed: int) -> list[bytes]:
    """Return the flash after a cut at a place, in each way in which it may be left."""
    if place.operation is None:
        return [place.cells]
    images = torn_images(bytearray(place.cells), place.operation, seed)
    return [bytes(image) for _, image in images]


def reused_after(
    life: Life, place: Place, image: bytes, make: type[Protection], *, is_cut_again: bool = False
) -> tuple[int, int]:
    """Go on from a cut, and if asked for from a cut in each operation of that, too.

    Returns: the cases there were, and how many nonces were used again.
    """
    crypto, operations = _go_on([(life.used, place.sealed)], life, place, image, make)
    count, reused = 1, crypto.reused
    for index, (sealed, operation) in enumerate(operations if is_cut_again else ()):
        for mode, torn in torn_images(bytearray(image), operation, index):
            if mode in SECOND_MODES:
                past = [*crypto.past, (crypto.used, sealed)]
                reused += _go_on(past, life, place, bytes(torn), make)[0].reused
                count += 1
        image = changed(image, operation)
    return count, reused


def _go_on(
    past: Past, life: Life, place: Place, image: bytes, make: type[Protection]
) -> tuple[CountingCrypto, Operations]:
    """Start three times, from the second on with all epochs that the others know of."""
    crypto = CountingCrypto(past)
    operations = Operations(crypto)
    flash = GEOMETRY.flash(image)
    flash.operations = operations
    for step in range(3):
        node = make(crypto, boot(flash), NODE)
        node.install(PEER, place.secret)
        for epoch in sorted(life.epochs) if step else ():
            node.install_group(epoch, life.epochs[epoch])
        for target in (BROADCAST, PEER, BROADCAST, PEER):
            send(node, target)
    return crypto, operations


def reused_without_flash(life: Life, make: type[Protection]) -> int:
    """Go on with a flash that was erased, and what the others say the keys are; count reuse."""
    crypto = CountingCrypto([(life.used, len(life.used))])
    flash = GEOMETRY.flash()
    for _ in range(2):
        node = make(crypto, boot(flash), NODE)
        for epoch in sorted(life.epochs):
            node.install_group(epoch, life.epochs[epoch])
            send(node, BROADCAST)
    return crypto.reused


def cut_everywhere(
    seed: int, steps: int, make: type[Protection], *, every: int = 1, is_cut_again: bool = False
) -> tuple[int, int]:
    """Cut a life in each operation, and at rest `every` so many places.

    Returns: the cases there were, and how many nonces were used again.
    """
    life = Living(seed, make).live(steps)
    cases, reused = 1, reused_without_flash(life, make)
    for number, place in enumerate(life.places):
        if place.operation is None and number % every:
            continue
        for image in cuts(place, number):
            more, again = reused_after(life, place, image, make, is_cut_again=is_cut_again)
            cases, reused = cases + more, reused + again
    return cases, reused


def cut_at_random(seed: int, steps: int, count: int) -> int:
    """Cut a life at places and in ways drawn at random; return the nonces that were used again."""
    draw = random.Random(seed)
    life = Living(seed, Protection).live(steps)
    reused = 0
    for number in range(count):
        place = draw.choice(life.places)
        image = draw.choice(cuts(place, number))
        reused += reused_after(life, place, image, Protection)[1]
    return reused
