"""The encoder that is machine code of a chip writes what that in Python does, on this computer."""

import json

from support import native


def test_every_payload_is_packed_alike() -> None:
    found = json.loads(native.run("deflate_speed"))
    assert found["agree"] == found["payloads"] > 0
    assert found["python"]["heap"] == found["machine"]["heap"] == 0
