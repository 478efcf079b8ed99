"""The telemetry frame: deterministic CBOR of one length, written without allocating."""

from kernel.codec import cbor
from kernel.codec.templates import (
    BIAS,
    TELEMETRY_BYTES,
    TELEMETRY_FIGURES,
    read_telemetry,
    write_telemetry,
)
from kernel.health.report import FIGURES
from kernel.prng import Prng
from support.heap import no_allocation
from support.script import raises

MOST = (1 << 30) - 1


def as_map(figures):
    """Return the map that the figures stand for, for the generic encoder."""
    fields = {}
    for index, figure in enumerate(figures):
        fields[index + 1] = figure + BIAS
    return fields


def written(figures):
    """Return the bytes of one message, behind and before others that must stay."""
    buffer = bytearray(b"\xee" * (TELEMETRY_BYTES + 5))
    assert write_telemetry(buffer, 3, figures) == 3 + TELEMETRY_BYTES
    assert buffer[:3] == buffer[-2:] + b"\xee" == b"\xee" * 3
    return bytes(buffer[3:-2])


def test_the_template_has_all_figures_of_an_agent():
    assert TELEMETRY_FIGURES == FIGURES


def test_every_message_is_what_the_generic_encoder_makes():
    rng = Prng(3)
    for shift in range(30):
        figures = [rng.below(1 << 29) >> shift for _ in range(TELEMETRY_FIGURES)]
        figures[shift % TELEMETRY_FIGURES] = (MOST, 0)[shift & 1]
        data = written(figures)
        assert data == cbor.encode(as_map(figures)), figures
        assert read_telemetry(data) == figures
        assert read_telemetry(memoryview(data)) == figures


def test_a_figure_beyond_its_bounds_is_refused():
    buffer = bytearray(TELEMETRY_BYTES)
    for index in range(TELEMETRY_FIGURES):
        for wrong in (-1, MOST + 1, -(1 << 40)):
            figures = [5] * TELEMETRY_FIGURES
            figures[index] = wrong
            raises(cbor.CborError, write_telemetry, buffer, 0, figures)
    for count in (0, TELEMETRY_FIGURES - 1, TELEMETRY_FIGURES + 1):
        raises(cbor.CborError, write_telemetry, buffer, 0, [5] * count)
    raises(cbor.CborError, write_telemetry, buffer, 1, [5] * TELEMETRY_FIGURES)
    assert buffer == bytearray(TELEMETRY_BYTES)


def test_writing_allocates_nothing():
    buffer = bytearray(TELEMETRY_BYTES)
    figures = [MOST - BIAS] * TELEMETRY_FIGURES
    with no_allocation():
        write_telemetry(buffer, 0, figures)
    assert buffer == cbor.encode(as_map(figures))


def test_other_widths_and_later_keys_are_read_the_long_way():
    fields = as_map(range(TELEMETRY_FIGURES))
    fields[2] = 1 << 63
    fields[16] = "later"
    read = read_telemetry(cbor.encode(fields))
    assert read == [0, (1 << 63) - BIAS] + list(range(2, TELEMETRY_FIGURES))


def test_a_changed_byte_makes_another_message_or_none():
    data = written([1000 + index for index in range(TELEMETRY_FIGURES)])
    taken = 0
    for index in range(TELEMETRY_BYTES):
        for byte in (0, 1, 0x19, 0x1B, 0x39, 0x3A, 0xF6, 0xFF):
            changed = bytearray(data)
            changed[index] = byte
            try:
                figures = read_telemetry(changed)
            except cbor.CborError:
                continue
            taken += 1
            assert cbor.encode(as_map(figures)) == changed
        raises(cbor.CborError, read_telemetry, data[:index])
    assert taken > 300


def test_what_is_no_telemetry_is_refused():
    for key, value in ((1, None), (7, True), (15, BIAS - 1), (3, "70000"), (4, 70000.0)):
        fields = as_map(range(TELEMETRY_FIGURES))
        fields[key] = value
        raises(cbor.CborError, read_telemetry, cbor.encode(fields))
        del fields[key]
        raises(cbor.CborError, read_telemetry, cbor.encode(fields))
    raises(cbor.CborError, read_telemetry, cbor.encode([BIAS] * TELEMETRY_FIGURES))
