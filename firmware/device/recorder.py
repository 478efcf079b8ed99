"""Note what the agent is told, in RTC memory: whatever resets the board, the host can replay it.

Each input is noted before the agent has it, so that one that hangs is there, too. What does not
fit pushes out the older half, and that is noted as well. Nothing is written to flash, nothing
allocated but a view; after a crash `device.crash_file` keeps it all in a file, once.

    1508..1509  magic
    1510        format: 1
    1511        16 x the cause of the boot + 1: it began with the snapshot + 2: something was not
                noted: a sensor's value that has no CBOR form or is too large
    1512..1513  length of the snapshot at 18
    1514..1517  where what was heard begins and ends
    1518..1519  how many bytes of it were pushed out, 65,535 for more
    1520..1523  seed of the agent's random numbers
    1524..1527  where the journal stood: its turn (3), its first free unit
    1528..1531  number of the application, 0 if the boot before knew it
    1532..1535  the instant before the first input

An input is its kind, then, as the kind's bits say, ms since the one before, a number, bytes and
how many. Numbers have seven bits a byte, the lowest first, and 128 more while there is a next.
"""

import struct

import machine

from device.rtc import HEAD_BYTES, RECORD_AT, SIGNS_AT

_TIMED, _NUMBERED, _LONG = 0x10, 0x20, 0x40
ON_TIME = 1 | _TIMED
ON_FRAME = 2 | _TIMED | _NUMBERED | _LONG  # 256 x link - dBm
ON_SPENT = 3 | _NUMBERED  # ms
ON_UNDELIVERED = 4
ON_BATTERY = 5 | _NUMBERED  # mV
KEEP_TRACEBACK = 6 | _TIMED | _NUMBERED  # its length
START = 7 | _TIMED
SET_UP = 8 | _TIMED
STOP = 9 | _TIMED
HIBERNATE = 10 | _TIMED
SENSED = 11 | _LONG  # a sensor's value in CBOR
FAILED = 12 | _LONG  # what a sensor raised: its name and arguments in CBOR
UNMADE = 13 | _LONG  # what was raised instead of a sensor or an actuator

MAGIC = 0xC3B6
_FORMAT = 1
_HEAD = ">HBBHHHHIIII"
_FLAGS_AT = RECORD_AT + 3
_END_AT = RECORD_AT + 8
_LOST_AT = RECORD_AT + 10
_BASE_AT = RECORD_AT + 28 - 4
_HAS_SNAPSHOT, _HAS_HOLES = 1, 2
_INPUT_BYTES_MAX = 13  # of one without bytes: its kind, an instant, a number, a length


class Recorder:
    """Note inputs from a boot on; `end` is where the next one goes."""

    def __init__(self, rtc, boot, seed, position, application_id):
        cause, _, snapshot = boot
        self._write = machine.RTC().memory
        self._memory = memory = rtc.memory
        self._start = self.end = HEAD_BYTES + (len(snapshot) if snapshot is not None else 0)
        self._half_at = 0  # of the first input in the second half, and the instant before it
        self._half_ms = 0
        self._now_ms = now_ms = rtc.now_ms()
        flags = cause << 4 | (_HAS_SNAPSHOT if snapshot is not None else 0)
        if not application_id and snapshot is not None:
            application_id = struct.unpack_from(">I", memory, _BASE_AT - 4)[0]
        struct.pack_into(
            _HEAD, memory, RECORD_AT, MAGIC, _FORMAT, flags, self._start - HEAD_BYTES,
            self._start, self.end, 0, seed, position, application_id, now_ms,
        )  # fmt: skip
        self._write(memory)

    def note(self, kind, now_ms=0, number=0, data=b"", length=0):
        """Note one input, the first `length` bytes of `data` with it."""
        memory = self._memory
        size_bytes = _INPUT_BYTES_MAX + length
        if self._start + size_bytes > SIGNS_AT:  # a value for which the ring itself is too small
            self._miss()
            return
        try:
            if self.end + size_bytes > SIGNS_AT:
                self._make_room(size_bytes)
            at = self.end
            if not self._half_at and at > (self._start + SIGNS_AT) >> 1:
                self._half_at, self._half_ms = at, self._now_ms
            memory[at] = kind
            at += 1
            if kind & _TIMED:
                at = _put(memory, at, (now_ms - self._now_ms) & 0x1FFFFFFF)
                self._now_ms = now_ms
            if kind & _NUMBERED:
                at = _put(memory, at, number)
            if kind & _LONG:
                at = _put(memory, at, length)
                memory[at : at + length] = memoryview(data)[:length]
                at += length
            self.end = at
            memory[_END_AT] = at >> 8
            memory[_END_AT + 1] = at & 0xFF
        except MemoryError:  # an application has the heap: this input is lost
            self._lose(1)
        self._write(memory)

    def watch(self, sensor):
        """Note what a sensor says from now on, once though a driver hands out one object twice."""
        if getattr(sensor, "_recorder", None) is self:
            return
        read = sensor.read

        def noted(*arguments):
            try:
                value = read(*arguments)
            except Exception as error:
                self.note_error(FAILED, error)
                raise
            self._note_value(SENSED, value)
            return value

        try:
            sensor.read = noted
            sensor._recorder = self
        except AttributeError:  # an object of C
            self._miss()

    def note_error(self, kind, error):
        """Note what a driver raised."""
        self._note_value(kind, [type(error).__name__, list(error.args)])

    def _note_value(self, kind, value):
        from kernel.codec import cbor

        try:
            data = cbor.encode(value)
            self.note(kind, 0, 0, data, len(data))
        except (cbor.CborError, MemoryError):
            self._miss()

    def _miss(self):
        self._memory[_FLAGS_AT] |= _HAS_HOLES
        self._write(self._memory)

    def _make_room(self, size_bytes):
        memory, start = self._memory, self._start
        half_at = self._half_at or self.end
        if self.end - half_at + size_bytes > SIGNS_AT - start:
            half_at = self.end
        self._lose(half_at - start)
        base_ms = self._half_ms if half_at < self.end else self._now_ms
        struct.pack_into(">I", memory, _BASE_AT, base_ms)
        for at in range(half_at, self.end):  # a slice would be allocated
            memory[start + at - half_at] = memory[at]
        self.end += start - half_at
        self._half_at = 0

    def _lose(self, count):
        memory = self._memory
        count = min(0xFFFF, (memory[_LOST_AT] << 8 | memory[_LOST_AT + 1]) + count)
        memory[_LOST_AT] = count >> 8
        memory[_LOST_AT + 1] = count & 0xFF


def _put(memory, at, number):
    while number > 0x7F:
        memory[at] = number & 0x7F | 0x80
        number >>= 7
        at += 1
    memory[at] = number
    return at + 1
