"""Cut the power of a littlefs again and again, on MicroPython: a program, not a test.

Runs on the unix port with the virtual boards' shims as MICROPYPATH. Arguments: flash file, size in
bytes, seed, number of cuts, and 1 for a chip that loses a sector at each, which must be noticed.
One cut is: a fresh mount, random writes until the power goes inside a
flash operation (whole, not at all, or torn), and another fresh mount in which every file must have
its old content or its new one. Prints one JSON line.

littlefs makes a new file at `open`, empty, and gives it its content at `close`: two steps, each of
which happens or does not.

Source   the promise: littlefs DESIGN.md, "atomic updates"; a file's content changes at close
"""

import json
import sys

import vfs
from vb.flash import Blocks, Fault, Flash, PowerCut, Region

BLOCK_BYTES = 4096
FILES = 6
_EIO = 5
_ERASE = 6
CUT_OPERATIONS_MAX = 40
BITS = (0, 0x0F, 0x81, 0xFF)


class Random:
    """A small generator of its own (xorshift32): a run is its seed."""

    def __init__(self, seed):
        self._state = seed & 0xFFFFFFFF or 1

    def below(self, bound):
        """Return a number from 0 to bound - 1."""
        value = self._state
        value ^= value << 13 & 0xFFFFFFFF
        value ^= value >> 17
        value ^= value << 5 & 0xFFFFFFFF
        self._state = value
        return value % bound


class Device(Blocks):
    """A block device that is silent once its power is gone.

    What an earlier boot left open is closed when it is collected: that must not write.
    """

    def __init__(self, region, fault):
        super().__init__(region)
        self._fault = fault

    def writeblocks(self, block, data, offset=None):
        """Write a buffer."""
        if self._fault.is_dead:
            return -_EIO
        return super().writeblocks(block, data, offset)

    def ioctl(self, command, argument):
        """Answer what the filesystem asks."""
        if self._fault.is_dead and command == _ERASE:
            return -_EIO
        return super().ioctl(command, argument)


class Board:
    """A flash and what its files should hold."""

    def __init__(self, path, size_bytes, seed):
        self._file = open(path, "r+b")  # noqa: SIM115 - open as long as the program
        self._size_bytes = size_bytes
        self.random = Random(seed)
        self.expected = {}
        self.torn = 0
        self.operations = 0
        self.boot()
        vfs.VfsLfs2.mkfs(self.device)

    def boot(self):
        """Give power: nothing of the last boot's memory is used again."""
        self.fault = Fault(lambda: None)
        flash = Flash(self._file, self._size_bytes, self.fault)
        self.device = Device(Region(flash, 0, self._size_bytes), self.fault)

    def arm(self):
        """Choose the operation in which the power goes, and how far it gets."""
        done_bytes = (0, self.random.below(16), self.random.below(BLOCK_BYTES), BLOCK_BYTES)[
            self.random.below(4)
        ]
        bits = BITS[self.random.below(len(BITS))]
        self.torn += 0 < done_bytes < BLOCK_BYTES or (done_bytes == 0 and bits != 0)
        self.fault.arm(1 + self.random.below(CUT_OPERATIONS_MAX), done_bytes, bits)

    def lose_sector(self):
        """Damage what no power cut may damage."""
        self._file.seek(self.random.below(self._size_bytes // BLOCK_BYTES) * BLOCK_BYTES)
        self._file.write(b"\xff" * BLOCK_BYTES)

    def content(self):
        """Return new content for a file."""
        size = (self.random.below(40), self.random.below(600), self.random.below(6000))[
            self.random.below(3)
        ]
        return bytes([self.random.below(256)]) * size + str(size).encode()


def write(board, filesystem):
    """Change one file in one of four ways; yield (name, content or None) before each step."""
    name = "file" + str(board.random.below(FILES))
    way = board.random.below(4)
    content = board.content()
    if way == 0 and name in board.expected:
        yield (name, None)
        filesystem.remove(name)
        del board.expected[name]
    elif way == 1:
        yield from save(board, filesystem, "new", "wb", content)
        yield (name, content)
        filesystem.rename("new", name)
        del board.expected["new"]
        board.expected[name] = content
    elif way == 2:
        yield from save(board, filesystem, name, "ab", content[:700])
    else:
        yield from save(board, filesystem, name, "wb", content)


def save(board, filesystem, name, mode, data):
    """Write a file; to make a new one is a step of its own, at `open`."""
    old = board.expected.get(name)
    if old is None:
        yield (name, b"")
    with filesystem.open(name, mode) as file:
        board.expected[name] = old or b""
        new = (old or b"") + data if mode == "ab" else data
        yield (name, new)
        file.write(data)
    board.expected[name] = new


def run_until_cut(board):
    """Write until the power goes; return the step that it interrupted."""
    change = None
    try:
        filesystem = vfs.VfsLfs2(board.device)
        board.arm()
        while True:
            for announced in write(board, filesystem):
                change = announced
    except PowerCut:
        return change
    except OSError:
        # A `with` closed its file after the cut, which failed in turn.
        if not board.fault.is_dead:
            raise
        return change


def check(board, change):
    """Return what is wrong after a cut, None if every file is old or new."""
    try:
        filesystem = vfs.VfsLfs2(board.device)
        names = [entry[0] for entry in filesystem.ilistdir("")]
        found = {name: read(filesystem, name) for name in names}
    except OSError as error:
        return "error " + str(error)
    old, new = dict(board.expected), dict(board.expected)
    if change[1] is None:
        new.pop(change[0], None)
    else:
        new[change[0]] = change[1]
    renamed = dict(new)
    renamed.pop("new", None)
    if found not in (old, new, renamed):
        return "files " + str(sorted(found))
    board.expected = found
    return None


def read(filesystem, name):
    """Return a file's content."""
    with filesystem.open(name, "rb") as file:
        return file.read()


def main(path, size_bytes, seed, cuts, loses):
    """Run and report."""
    board = Board(path, size_bytes, seed)
    survived, problems = 0, []
    for cut in range(cuts):
        board.boot()
        change = run_until_cut(board)
        board.operations += board.fault.operations
        board.boot()
        if loses:
            board.lose_sector()
        problem = check(board, change)
        if problem:
            problems.append(f"cut {cut}: {problem}")
            board.expected = {}
            vfs.VfsLfs2.mkfs(board.device)
        else:
            survived += 1
            if len(board.expected) > FILES:
                vfs.VfsLfs2(board.device).remove("new")
                board.expected.pop("new", None)
    report = {"survived": survived, "torn": board.torn, "operations": board.operations}
    report["problems"] = problems[:5]
    print(json.dumps(report))


main(sys.argv[1], *[int(text) for text in sys.argv[2:6]])
