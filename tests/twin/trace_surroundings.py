"""What surrounds the agent of a trace: a sink, flash and parts that fold all that happens."""

import binascii
import hashlib
import struct

from kernel.codec import cbor
from kernel.effects import Effects
from kernel.ports import Actuator, Parts, Sensor
from support.nor_sectors import NorSectors

SENT_KEPT = 16
VALUE_BYTES_MAX = 4096


class PowerCut(BaseException):
    """The power goes in the middle of an operation of the flash."""


def encode(value):
    """Return a value's bytes, equal on both runtimes; of what has none, the name of its type."""
    try:
        return cbor.encode(value, VALUE_BYTES_MAX)
    except cbor.CborError:
        return type(value).__name__.encode()


class Recorder(Effects):
    """Fold each effect into a digest, count what is seen, and write it down if asked to."""

    def __init__(self, log):
        self.seen = {}
        self.sent = []  # the latest frames
        self.count = 0
        self.slept = (0, 0)
        self.reason = 0
        self._log = log
        self._hash = hashlib.sha256()

    def digest(self):
        """Return the digest of all there was."""
        return binascii.hexlify(self._hash.digest()).decode()

    def see(self, what):
        """Count something that a run of traces has to cover."""
        self.seen[what] = self.seen.get(what, 0) + 1

    def fold(self, what, content):
        """Take in one thing that happened."""
        self.count += 1
        self._hash.update(what.encode())
        self._hash.update(struct.pack(">I", len(content)))
        self._hash.update(content)
        if self._log is not None:
            self._log(what, content)

    def effect(self, what, content):
        """Take in one effect."""
        self.see("effect " + what)
        self.fold(what, content)

    def send(self, link, buffer, length):
        """Copy the frame."""
        data = bytes(memoryview(buffer)[:length])
        self.effect("send", bytes([link]) + data)
        self.see(f"sent kind {data[1]}")
        self.sent.append(data)
        if len(self.sent) > SENT_KEPT:
            self.sent.pop(0)

    def radio(self, is_on):
        """Note the radio."""
        self.effect("radio on" if is_on else "radio off", b"")

    def sleep(self, until_at_ms, depth):
        """Note the sleep."""
        self.effect(f"sleep {depth}", encode(until_at_ms))
        self.slept = (depth, until_at_ms)

    def reboot(self, reason):
        """Note the reboot."""
        self.effect("reboot", encode(reason))
        self.reason = reason

    def report(self, event_id, value):
        """Note an event of the kernel."""
        self.see(f"event {event_id}")
        self.effect("report", encode((event_id, value)))

    def app_event(self, name, value):
        """Note what the application reported."""
        self.effect("app_event", encode((name, value)))

    def app_error(self, where, error):
        """Note where which kind of error was raised; its text differs between runtimes."""
        self.effect("app_error", encode((where, type(error).__name__)))

    def take_wish(self):
        """Return why to reboot, how deep to sleep and until when."""
        wish = (self.reason, self.slept[0], self.slept[1])
        self.reason, self.slept = 0, (0, 0)
        return wish


class TraceFlash(NorSectors):
    """Flash whose every operation counts, and in any of which the power may go."""

    def __init__(self, recorder, rng):
        super().__init__(4)  # small, so that it is compacted often
        self.cut_after = -1  # operations until the power goes
        self.fail_after = -1  # operations until the medium fails
        self.fails = 0  # and how many then do
        self._recorder = recorder
        self._rng = rng

    def program(self, address, data):
        """Program, or tear it."""
        self._recorder.effect("program", encode(address) + bytes(data))
        if self._is_cut():
            torn = bytes([byte | self._rng.below(256) for byte in data])
            super().program(address, torn)
            raise PowerCut
        super().program(address, data)

    def erase(self, sector):
        """Erase, or leave any mixture of old and new bits."""
        self._recorder.effect("erase", encode(sector))
        if self._is_cut():
            cells = bytearray(self.sector_bytes)
            self.read(sector * self.sector_bytes, cells)
            super().erase(sector)
            for index in range(0, len(cells), 32):
                word = bytearray(memoryview(cells)[index : index + 32])
                word[self._rng.below(32)] |= self._rng.below(256)
                super().program(sector * self.sector_bytes + index, word)
            raise PowerCut
        super().erase(sector)

    def _is_cut(self):
        if self.fail_after >= 0:
            self.fail_after -= self.fail_after > 0
            if self.fail_after == 0:
                self.fails -= 1
                self.fail_after = 0 if self.fails > 0 else -1
                self._recorder.see("flash failed")
                raise OSError(5)
        if self.cut_after >= 0:
            self.cut_after -= 1
            return self.cut_after < 0
        return False


class TracePart(Sensor, Actuator):
    """Read random numbers; fold what is written."""

    def __init__(self, recorder, rng):
        self._recorder = recorder
        self._rng = rng

    def read(self):
        """Return a number."""
        return self._rng.below(1000)

    def write(self, value):
        """Take in a value."""
        self._recorder.fold("write", encode(value))


class TraceParts(Parts):
    """Have the parts whose name begins with a letter of the alphabet's first half."""

    def __init__(self, recorder, rng):
        self._part = TracePart(recorder, rng)

    def sensor(self, name):
        """Return the part, or refuse."""
        if name > "n":
            raise LookupError(name)
        return self._part

    actuator = sensor
