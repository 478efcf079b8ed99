"""What is decoded once for all who hear it is what each of them would have decoded."""

import pytest

from cma_toolkit.firmware.kernel.codec import messages
from cma_toolkit.firmware.kernel.codec.cbor import CborError
from cma_toolkit.firmware.kernel.codec.frame import HEADER_BYTES
from cma_toolkit.sim.world import announcements


def announced(name: str, boots: int) -> bytes:
    buffer = bytearray(250)
    head = messages.announcement_head(name, boots, "board")
    end = messages.write_announcement(buffer, head, 60_000, 1, 7)
    return bytes(buffer[HEADER_BYTES:end])


def test_each_hears_what_was_sent_whoever_asked_before() -> None:
    one, other = announced("one", 1), announced("other", 2)
    for payload in (one, one, other, one):
        assert announcements.read(payload) == messages.read_announcement(payload)


@pytest.mark.parametrize("bad", [b"", b"\xa0", b"\xff", announced("one", 1)[:-1]])
def test_a_bad_one_is_refused_each_time(bad: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "_LAST", announcements._Last())
    with pytest.raises(CborError):
        announcements.read(bad)
    good = announced("one", 1)
    announcements.read(good)
    for _ in range(2):
        with pytest.raises(CborError):
            announcements.read(bad)
    assert announcements.read(good) == messages.read_announcement(good)
