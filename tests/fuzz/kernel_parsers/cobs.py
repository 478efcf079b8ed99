"""Frames on a wire: any bytes, then a good frame, which must come through."""

from kernel.codec.cobs import Stuffer, Unstuffer
from kernel.limits import FRAME_BYTES_MAX

MODULES = ("kernel.codec.cobs",)
GOOD = b"\x11\x00good\x00"
_STUFFER = Stuffer()


def _stuffed(frame):
    size = _STUFFER.stuff(frame, len(frame))
    return bytes(_STUFFER.buffer[:size])


def seeds():
    """Return what is on a wire."""
    frames = [b"\x01", b"\x00" * 9, bytes(range(250)), b"\xff" * 250, GOOD]
    return [_stuffed(frame) for frame in frames] + [b"\x00\x00", b"\x05abc\x00", b"\xff" * 300]


def take(data):
    """Return the frames that are in a stream."""
    machine, frames = Unstuffer(), []
    for byte in data:
        length = machine.on_byte(byte)
        if length:
            frames.append(bytes(machine.frame[:length]))
    # What was begun ends with the next zero.
    machine.on_byte(0)
    lengths = [machine.on_byte(byte) for byte in _stuffed(GOOD)]
    assert lengths[-1] == len(GOOD) and bytes(machine.frame[: lengths[-1]]) == GOOD
    assert not any(lengths[:-1]) and machine.damaged <= data.count(b"\x00") + 1
    for frame in frames + [data[:FRAME_BYTES_MAX]]:
        assert len(frame) <= FRAME_BYTES_MAX, "longer than a frame"
        if frame:
            again = Unstuffer()
            ends = [again.on_byte(byte) for byte in _stuffed(frame)]
            assert ends[-1] == len(frame) and again.frame[: ends[-1]] == frame
    return b"".join(frames)
