"""A console is parted into records and text without losing a byte, however it arrives."""

import json

from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.host_tools.ports.records import RECORD_BYTES_MAX, Item, Record, RecordParser
from cma_toolkit.host_tools.ports.render import render

STATUS = {"kind": "status", "name": "greenhouse-07", "uptime_ms": 75_000, "boots": 4}
STREAM = b"boot\r\n\x1e" + json.dumps(STATUS).encode() + b"\r\n>>> \x1e{}\n\x1e[1]\n\x1eoops\nend"


def joined(items: list[Item]) -> list[Item]:
    """Join neighbouring texts: where a read ended is no part of the meaning."""
    whole: list[Item] = []
    for item in items:
        if isinstance(item, bytes) and whole and isinstance(whole[-1], bytes):
            whole[-1] += item
        else:
            whole.append(item)
    return whole


def parse(stream: bytes, cuts: list[int]) -> list[Item]:
    parser, items, begin = RecordParser(), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        items += parser.feed(stream[begin:cut])
        begin = cut
    return joined(items + parser.end())


def test_records_come_out_between_the_text() -> None:
    assert parse(STREAM, []) == [
        b"boot\r\n",
        Record(STATUS),
        b">>> ",
        Record({}),
        b"[1]\noops\nend",
    ]


@given(st.lists(st.integers(0, len(STREAM))))
def test_portions_make_no_difference(cuts: list[int]) -> None:
    assert parse(STREAM, cuts) == parse(STREAM, [])


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_what_is_no_record_is_passed_on(stream: bytes, cuts: list[int]) -> None:
    text = b"".join(item for item in parse(stream, cuts) if isinstance(item, bytes))
    if not any(isinstance(item, Record) for item in parse(stream, cuts)):
        assert text.replace(b"\x1e", b"") == stream.replace(b"\x1e", b"")


def test_a_record_cut_off_by_the_next_is_text() -> None:
    assert parse(b'\x1e{"kind": "sta\x1e{"kind": "event"}\n', []) == [
        b'{"kind": "sta',
        Record({"kind": "event"}),
    ]


def test_an_endless_record_is_bounded() -> None:
    parser = RecordParser()
    items = parser.feed(b"\x1e" + b"x" * (RECORD_BYTES_MAX + 1))
    assert items == [b"x" * (RECORD_BYTES_MAX + 1)]


def test_a_status_reads_as_a_line() -> None:
    full = {**STATUS, "neighbours": 3, "sent": 12, "received": 30, "lost": 1, "battery_mv": 3912}
    assert render(full) == (
        "[greenhouse-07] up 1 min 15 s, boot 4, 3 neighbours, out 12 in 30 lost 1, 3.91 V"
    )


def test_an_event_reads_as_its_name_and_values() -> None:
    shown = render({"kind": "event", "event": "app error", "name": "a", "value": "ValueError()"})
    assert shown == "[app error] name=a value=ValueError()"


def test_a_record_that_somebody_printed_into_is_text_and_counted() -> None:
    whole = b"\x1e" + json.dumps(STATUS).encode() + b"\n"
    parser = RecordParser()
    assert parser.feed(whole + whole[:20] + b"tick\n" + whole[20:]) == [
        Record(STATUS),
        whole[1:20] + b"tick\n",
        whole[20:],
    ]
    assert parser.torn == 1
    assert parser.feed(whole[:20] + whole) == [whole[1:20], Record(STATUS)]
    assert parser.torn == 2
    parser.feed(whole[:-1])
    parser.end()
    assert parser.torn == 3
