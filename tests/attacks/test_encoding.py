"""Attacks 6 to 9: a document in another form than the one that its signer meant."""

import cbor2
from attacks.attack import attack, check, refused
from attacks.places import CBOR, ENVELOPE, MANIFEST

from cma_toolkit.firmware.kernel.release.refusals import REFUSED_MALFORMED
from cma_toolkit.host_tools.release import documents
from support.release_board import RELEASE, Handed
from support.release_signers import CLASS_ID, DIGEST, manifest, signed

THE_ONE_FORM = (MANIFEST, "is_whole and to_bytes(manifest) == bytes(data):", "is_whole:")
ONE_FORM = check("the one form of a manifest", *THE_ONE_FORM)
SHORTEST = (CBOR, "if argument < least and not general:", "if False:")
IN_ORDER = (CBOR, "if head <= key_head:", "if False:")
END_OF_DOCUMENT = (ENVELOPE, "if last != len(view):", "if False:")


@attack(
    check(
        "the end of the bytes",
        ENVELOPE,
        "        except IndexError:\n            raise RefusedError(REFUSED_MALFORMED)",
        "        except IndexError:\n            raise",
    ),
)
def test_attack_06_cut_off_at_every_length() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE])
    assert handed.take(data) == 0
    for size in range(len(data)):
        refused(lambda size=size: handed.take(data[:size]), REFUSED_MALFORMED, size)
    for size in range(len(payload)):
        refused(lambda size=size: Handed().release(payload[:size]), REFUSED_MALFORMED, size)


@attack(
    check("the end of an envelope", *END_OF_DOCUMENT),
    check(
        "the end of a manifest",
        *THE_ONE_FORM,
        (CBOR, "    if offset != _len(data):\n", "    if False:\n"),
    ),
)
def test_attack_07_trailing_bytes() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE])
    assert handed.take(data) == 0
    refused(lambda: handed.take(data + b"\0"), REFUSED_MALFORMED)
    refused(lambda: Handed().release(payload + b"\0"), REFUSED_MALFORMED)


@attack(
    check("the one form of a manifest, and different keys", *THE_ONE_FORM, IN_ORDER),
    check(
        "one signature of a key",
        ENVELOPE,
        "if signed_end != last or key_id in self._signatures:",
        "if signed_end != last:",
    ),
)
def test_attack_08_duplicate_keys() -> None:
    payload = manifest()
    assert Handed().release(payload) == 0
    # A second sequence: who reads the first one and who reads the last one differ.
    doubled = b"\xa6" + payload[1:3] + b"\x02\x05" + payload[3:]
    refused(lambda: Handed().release(doubled), REFUSED_MALFORMED)
    handed = Handed()
    assert handed.current(payload) == 0
    twice = documents.envelope(payload, [(RELEASE.id, b"\0"), RELEASE.sign(payload)])
    refused(lambda: handed.take(twice), REFUSED_MALFORMED)


def other_forms(payload: bytes) -> dict[str, bytes]:
    """Return the same manifest in forms that other readers take for it."""
    outer = cbor2.loads(payload)
    backwards = cbor2.dumps(dict(reversed(outer.items())))
    longer = payload.replace(b"\x02\x01\x03", b"\x02\x18\x01\x03")
    forms = {"a longer number": longer, "another order": backwards}
    for form in forms.values():
        assert form != payload and cbor2.loads(form) == outer
    true_for_1 = payload.replace(b"\xa5\x01\x01", b"\xa5\x01\xf5")
    unread = cbor2.dumps({**outer, 21: b""}, canonical=True)
    return {**forms, "true for 1": true_for_1, "a field that nobody reads": unread}


@attack(ONE_FORM)
def test_attack_09_noncanonical_form_of_a_manifest() -> None:
    payload = manifest()
    assert Handed().release(payload) == 0
    for what, form in other_forms(payload).items():
        assert form != payload
        refused(lambda form=form: Handed().release(form), REFUSED_MALFORMED, what)


def other_envelopes(payload: bytes, data: bytes) -> dict[str, bytes]:
    """Return an envelope's parts in forms that other readers take for it."""
    wrapper, rest = data[7 : -len(payload) - 3], data[-len(payload) - 3 :]
    head, block_head, block = data[:4], wrapper[39:42], wrapper[42:]
    assert wrapper[:1] == b"\x82" and rest[0] == 3 and rest[2] == len(payload)

    def framed(wrapped: bytes, last: bytes = rest) -> bytes:
        size = len(wrapped)
        length = b"\x59" + size.to_bytes(2, "big") if size > 255 else bytes((0x58, size))
        return head + length + wrapped + last

    assert framed(wrapper) == data and block_head[0] == 0x59
    short = block[:19] + b"\x41\0"  # up to the key's id and null
    return {
        "a longer head": framed(wrapper, b"\x03\x59\0" + rest[2:]),
        "a byte after the document": framed(wrapper, rest + b"\0"),
        "a byte after the signatures": framed(wrapper + b"\0"),
        "a signature too many": framed(b"\x83" + wrapper[1:]),
        "a signature too few": framed(b"\x81" + wrapper[1:]),
        "no list of signatures": framed(b"\x40" + wrapper[1:39]),
        "a byte in a block after its signature": framed(
            wrapper[:40] + (len(block) + 1).to_bytes(2, "big") + block + b"\0"
        ),
        "a signature beyond its block": framed(
            wrapper[:40] + (len(block) - 1).to_bytes(2, "big") + block
        ),
        "a block beyond the wrapper": framed(wrapper[:-1], rest) + b"\0",
        "a short string, two bytes of length": framed(
            wrapper[:39] + b"\x59\0" + bytes([len(short)]) + short
        ),
        "a short string, one byte of length": framed(
            wrapper[:39] + b"\x58" + bytes([len(short)]) + short
        ),
    }


@attack(
    check("the end of the signatures", ENVELOPE, "        if at != end:", "        if False:"),
    check(
        "the end of a block",
        ENVELOPE,
        "if signed_end != last or key_id in self._signatures:",
        "if key_id in self._signatures:",
        (
            ENVELOPE,
            "self._signatures[key_id] = view[at:last]",
            "self._signatures[key_id] = view[at:signed_end]",
        ),
    ),
)
def test_attack_09_noncanonical_form_of_an_envelope() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE])
    assert handed.take(data) == 0
    for what, form in other_envelopes(payload, data).items():
        refused(lambda form=form: handed.take(form), REFUSED_MALFORMED, what)


@attack(
    check(
        "the number of signatures",
        ENVELOPE,
        "if not 0 <= count <= SIGNATURES_MAX:",
        "if not 0 <= count:",
    )
)
def test_attack_09_more_signatures_than_there_may_be() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    assert handed.take(signed(payload, [RELEASE])) == 0
    others = [(bytes([i] * 8), b"\0") for i in range(4)]
    many = documents.envelope(payload, [*others, RELEASE.sign(payload)])
    refused(lambda: handed.take(many), REFUSED_MALFORMED)
    assert handed.take(documents.envelope(payload, [*others[1:], RELEASE.sign(payload)])) == 0


@attack(
    check("the sizes of class and digest", MANIFEST, "if is_whole and to_bytes", "if to_bytes")
)
def test_attack_09_fields_of_other_sizes() -> None:
    for name in ("security_counter", "mpy", "battery_mv", "after"):
        data = manifest(**{name: True})
        refused(lambda data=data: Handed().release(data), REFUSED_MALFORMED, name)
    handed = Handed()
    handed.board.class_ids = (CLASS_ID, CLASS_ID[:-1])
    for name, value in (("class_id", CLASS_ID[:-1]), ("digest", DIGEST + b"\0")):
        data = manifest(**{name: value})
        refused(lambda data=data: handed.release(data), REFUSED_MALFORMED, name)
