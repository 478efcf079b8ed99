"""The flash of the board that this process is."""

from vb import config, control, guard
from vb.flash import Blocks, Fault, Flash, Region

SIZE_BYTES = config.get("flash_bytes")


def _report_cut():
    guard.switch_off()
    control.end("power-cut")


def _report_count(left):
    control.say("flash-count", left=left)


fault = Fault(_report_cut, _report_count)
_file = open(config.get("image"), "r+b")  # noqa: SIM115 - open as long as the board runs
_flash = Flash(_file, SIZE_BYTES, fault)


def _arm(message):
    cut = message["cut"]
    fault.arm(cut["after"], cut["torn"], cut["bits"])


control.on("cut", _arm)
if config.get("cut"):
    _arm(config.VALUES)


class BoardBlocks(Blocks):
    """A block device that Ctrl-C does not interrupt, and that hears of armed power cuts."""

    def readblocks(self, block, buffer, offset=0):
        """Fill a buffer."""
        guard.enter()
        try:
            _READ(self, block, buffer, offset)
        finally:
            guard.leave()

    def writeblocks(self, block, data, offset=None):
        """Write a buffer."""
        guard.enter()
        try:
            control.hear_now()
            return _WRITE(self, block, data, offset)
        finally:
            guard.leave()

    def ioctl(self, command, argument):
        """Answer what a filesystem asks."""
        guard.enter()
        try:
            control.hear_now()
            return _IOCTL(self, command, argument)
        finally:
            guard.leave()


_READ = Blocks.readblocks
_WRITE = Blocks.writeblocks
_IOCTL = Blocks.ioctl


def region(offset, size_bytes):
    """Return a stretch of this board's flash; its user guards what must be whole."""
    return Region(_flash, offset, size_bytes)


def find(label):
    """Return [label, type, subtype, offset, size_bytes] of a partition, None if there is none."""
    for row in config.get("partitions"):
        if row[0] == label:
            return row
    return None


def blocks(offset, size_bytes, block_bytes=4096):
    """Return a block device on a stretch of this board's flash."""
    return BoardBlocks(region(offset, size_bytes), block_bytes)
