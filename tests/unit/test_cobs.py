"""Frames on a wire survive a late start, lost bytes and noise."""

from kernel.codec.cobs import Stuffer, Unstuffer
from kernel.limits import FRAME_BYTES_MAX
from kernel.prng import Prng


def stuffed(frame):
    """Return the bytes on the wire."""
    stuffer = Stuffer()
    return bytes(stuffer.buffer[: stuffer.stuff(frame, len(frame))])


def received(unstuffer, data):
    """Return the frames that bytes complete."""
    frames = []
    for byte in data:
        length = unstuffer.on_byte(byte)
        if length:
            frames.append(bytes(unstuffer.frame[:length]))
    return frames


def test_frames_of_every_length_come_back():
    rng = Prng(1)
    unstuffer = Unstuffer()
    for length in range(1, FRAME_BYTES_MAX + 1):
        zeros = rng.below(4)
        frame = bytes(0 if rng.below(4) < zeros else 1 + rng.below(255) for _ in range(length))
        wire = stuffed(frame)
        assert wire.count(b"\x00") == 1 and wire[-1] == 0
        assert received(unstuffer, wire) == [frame]
    assert unstuffer.damaged == 0


def test_a_start_in_the_middle_costs_one_frame():
    wire = stuffed(b"first frame") + stuffed(b"second")
    unstuffer = Unstuffer()
    assert received(unstuffer, wire[5:]) == [b"second"]
    assert unstuffer.damaged == 1


def test_a_lost_or_changed_byte_costs_one_frame():
    wire = stuffed(b"\x01\x02\x00\x03\x04")
    for index in range(len(wire) - 1):
        unstuffer = Unstuffer()
        assert received(unstuffer, wire[:index] + wire[index + 1 :] + stuffed(b"ok")) == [b"ok"]
        changed = bytearray(wire)
        changed[index] ^= 0x55
        found = received(Unstuffer(), bytes(changed) + stuffed(b"ok"))
        assert found == [b"ok"]


def test_noise_longer_than_a_frame_is_dropped():
    unstuffer = Unstuffer()
    assert received(unstuffer, b"\xff" * 2000 + b"\x00" + stuffed(b"ok")) == [b"ok"]
    assert unstuffer.damaged == 1


def test_zeros_between_frames_mean_nothing():
    unstuffer = Unstuffer()
    assert received(unstuffer, b"\x00\x00" + stuffed(b"ok") + b"\x00") == [b"ok"]
    assert unstuffer.damaged == 0


def test_each_damaged_frame_counts_once():
    unstuffer = Unstuffer()
    changed = bytearray(stuffed(b"frame"))
    changed[3] ^= 1
    only_a_checksum = b"\x05\x01\x02\x03\x04\x00"
    assert received(unstuffer, bytes(changed)) == [] and unstuffer.damaged == 1
    assert received(unstuffer, only_a_checksum) == [] and unstuffer.damaged == 2
