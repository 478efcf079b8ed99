"""The output bridge: what the host reads does not depend on how the bytes came."""

from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.sim.virtual_board.runtime.bridge_output import OutputBridge
from cma_toolkit.sim.virtual_board.runtime.console_marks import FRIENDLY_BANNER, PROMPT, RAW_BANNER
from cma_toolkit.sim.virtual_board.shims.vb import marks

MACHINE = "Generic ESP32 module with ESP32"
UNIX_BANNER = (
    b"MicroPython v1.29.0 on 2026-07-05; linux [GCC 14.2.1] version\r\n" + FRIENDLY_BANNER
)
BOARD_BANNER = (
    b"MicroPython v1.29.0 on 2026-07-05; Generic ESP32 module with ESP32\r\n" + FRIENDLY_BANNER
)


def fed(pieces: list[bytes], *, raw: bool = False) -> tuple[bytes, OutputBridge]:
    bridge = OutputBridge(MACHINE)
    bridge.raw = raw
    text = b"".join(bridge.feed(piece) for piece in pieces)
    return text + bridge.flush(), bridge


def read(pieces: list[bytes], *, raw: bool = False) -> tuple[bytes, bool]:
    text, bridge = fed(pieces, raw=raw)
    return text, bridge.raw


def has_prompted(pieces: list[bytes], *, raw: bool = False) -> bool:
    return fed(pieces, raw=raw)[1].has_prompted


def binary(data: bytes) -> bytes:
    return marks.BINARY % len(data) + data


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [b"\n", b"\r\n", b"\r", b"text", b"\x1b", b"\x1b]vb;", b"; linux", b"r", b"M"]
        ),
        st.sampled_from([PROMPT, RAW_BANNER, FRIENDLY_BANNER, UNIX_BANNER, b"MicroPython "]),
        st.sampled_from([b">", b">>> ", PROMPT + UNIX_BANNER + b">>> ", RAW_BANNER + b">"]),
        st.binary(max_size=8),
        st.binary(max_size=40).map(binary),
    ),
    max_size=12,
).map(b"".join)


@given(PIECES, st.booleans(), st.data())
def test_any_split_of_the_stream_gives_the_same(
    stream: bytes, raw: bool, data: st.DataObject
) -> None:
    whole = read([stream], raw=raw)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(pieces, raw=raw) == whole
    single = [stream[at : at + 1] for at in range(len(stream))]
    assert read(single, raw=raw) == whole
    prompted = has_prompted([stream], raw=raw)
    assert has_prompted(pieces, raw=raw) == has_prompted(single, raw=raw) == prompted


@given(st.binary(max_size=300))
def test_what_goes_through_the_buffer_arrives_as_it_is(payload: bytes) -> None:
    assert read([b"a\n" + binary(payload) + b"b\n"])[0] == b"a\r\n" + payload + b"b\r\n"


def test_a_lone_newline_becomes_two_bytes_and_a_whole_one_stays() -> None:
    assert read([b"a\nb\r\nc\r", b"\nd\n", b"\ne"])[0] == b"a\r\nb\r\nc\r\nd\r\n\r\ne"


def test_every_echoed_key_appears_at_once() -> None:
    bridge = OutputBridge(MACHINE)
    for key in b"import machine; linux = 'MicroPython ';r":
        assert bridge.feed(bytes([key])) == bytes([key])


def test_the_banner_names_the_board() -> None:
    assert read([UNIX_BANNER + b">>> "]) == (BOARD_BANNER + b">>> ", False)


def test_only_a_banner_has_its_machine_replaced() -> None:
    text = b"kernel; linux [GCC 14.2.1] version\r\n"
    assert read([text])[0] == text


def test_the_bridge_knows_which_repl_it_is() -> None:
    assert read([b"\r\n" + RAW_BANNER + b">"])[1] is True
    assert read([RAW_BANNER + b">\r\n" + UNIX_BANNER + b">>> "])[1] is False


def test_the_first_prompt_is_known_only_when_it_is_whole_and_after_the_scripts() -> None:
    stream = PROMPT + UNIX_BANNER + b">>> "
    assert has_prompted([stream])
    assert not has_prompted([stream[:-1]])
    assert not has_prompted([UNIX_BANNER + b">>> " + PROMPT])
    assert not has_prompted([UNIX_BANNER, PROMPT, b">>> "])
    stream = PROMPT + UNIX_BANNER + b">>> \r\n" + RAW_BANNER + b">"
    assert has_prompted([stream], raw=True)
    assert not has_prompted([stream[:-1]], raw=True)


def test_a_raw_repl_that_starts_again_shows_no_friendly_prompt() -> None:
    stream = b"boot\n" + PROMPT + UNIX_BANNER + b">>> \r\n" + RAW_BANNER + b">"
    assert read([stream], raw=True) == (b"boot\r\n" + RAW_BANNER + b">", True)


def test_binary_data_is_never_taken_for_a_banner() -> None:
    assert read([binary(RAW_BANNER)])[1] is False


def test_both_sides_use_the_same_marks() -> None:
    assert marks.PROMPT.encode() == PROMPT
    assert read([marks.BINARY % 3 + b"\n\n\n"])[0] == b"\n\n\n"
