"""RFC 2217 as bytes: whatever the network cuts in pieces means the same."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.sim.virtual_board.endpoints.telnet import (
    COM_PORT,
    DO,
    DONT,
    ECHO,
    IAC,
    SB,
    SE,
    SET_CONTROL,
    WILL,
    WONT,
    ComPortServer,
    Data,
    Lines,
    escape,
)

COMMANDS = [
    bytes((IAC, WILL, COM_PORT)),
    bytes((IAC, DO, ECHO)),
    bytes((IAC, WILL, 99)),
    bytes((IAC, 241)),  # NOP
    bytes((IAC, SB, COM_PORT, SET_CONTROL, 8, IAC, SE)),
    bytes((IAC, SB, COM_PORT, SET_CONTROL, 11, IAC, SE)),
    bytes((IAC, SB, COM_PORT, SET_CONTROL, 9, IAC, SE)),
    bytes((IAC, SB, COM_PORT, 1, 0, 0, IAC, IAC, 0, IAC, SE)),  # a baud rate with an FF in it
]
pieces = st.lists(st.one_of(st.sampled_from(COMMANDS), st.binary(max_size=20).map(escape)))


def outcome(chunks: list[bytes]) -> tuple[bytes, list[Lines], bytes]:
    server = ComPortServer()
    events = [event for chunk in chunks for event in server.feed(chunk)]
    data = b"".join(event.payload for event in events if isinstance(event, Data))
    return data, [event for event in events if isinstance(event, Lines)], server.take_reply()


@given(pieces, st.lists(st.integers(0, 400)))
def test_any_cut_of_the_stream_means_the_same(stream: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(stream)
    edges = sorted({min(cut, len(whole)) for cut in cuts} | {0, len(whole)})
    parts = [whole[start:end] for start, end in itertools.pairwise(edges)]
    assert outcome(parts) == outcome([whole])


@given(st.binary())
def test_escaped_data_comes_out_as_it_was(data: bytes) -> None:
    assert outcome([escape(data)])[0] == data


@given(st.lists(st.binary(max_size=200)))
def test_garbage_never_raises_and_is_never_kept_for_ever(chunks: list[bytes]) -> None:
    server = ComPortServer()
    for chunk in [*chunks, bytes((IAC, SB)) + bytes(500)]:
        server.feed(chunk)
    assert len(server._pending) <= 64


def test_options_are_agreed_once_and_unknown_ones_refused() -> None:
    server = ComPortServer()
    server.take_reply()
    server.feed(bytes((IAC, DO, ECHO)) * 2 + bytes((IAC, WILL, 99, IAC, DO, 98)))
    assert server.take_reply() == bytes((IAC, WILL, ECHO, IAC, DONT, 99, IAC, WONT, 98))


def test_lines_change_only_when_they_do() -> None:
    on = bytes((IAC, SB, COM_PORT, SET_CONTROL, 8, IAC, SE))
    server = ComPortServer()
    assert server.feed(on) == [Lines(dtr=True, rts=False)]
    assert server.feed(on) == []
    assert server.take_reply().endswith(bytes((IAC, SB, COM_PORT, SET_CONTROL + 100, 8, IAC, SE)))


def test_data_keeps_its_place_among_line_changes() -> None:
    on = bytes((IAC, SB, COM_PORT, SET_CONTROL, 11, IAC, SE))
    events = ComPortServer().feed(b"before" + on + b"after")
    assert events == [Data(b"before"), Lines(dtr=False, rts=True), Data(b"after")]
