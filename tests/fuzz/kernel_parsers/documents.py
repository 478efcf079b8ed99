"""Documents of releases: envelopes, roots, timestamps and manifests.

The first byte says what the rest is: an envelope as it came; or a payload that is put into one
whose digest is right, with signatures that all pass. So what stands behind them is reached.
"""

from hashlib import sha256

from kernel.codec.cbor import Tag, encode
from kernel.release import envelope as envelopes
from kernel.release import manifest as manifests
from kernel.release.manifest import Board, Manifest
from kernel.release.refusals import RefusedError
from kernel.release.trust import KEY_BYTES, Trust

MODULES = ("kernel.release.envelope", "kernel.release.manifest", "kernel.release.trust")
RAW, ROOT, TIMESTAMP, RELEASE = range(4)
KEYS = [bytes((number,)) * KEY_BYTES for number in range(3)]
CLASS_ID, MPY = b"c" * 16, 0x603
NOW_S, LATER_S = 1_000, 9_000
_ROOT = ["root", 1, LATER_S, 0, 0, KEYS, [[1, [0, 1]], [1, [1]], [1, [2]]]]
_BOARD = Board((CLASS_ID,), 200_000, MPY)


class _Passing:
    """Have all signatures pass while it lasts."""

    def __enter__(self):
        self._verify = envelopes.verify
        envelopes.verify = lambda *_parts: True

    def __exit__(self, *_error):
        envelopes.verify = self._verify


def _enveloped(payload, keys=KEYS):
    suit_digest = encode([-16, sha256(encode(payload, 9_000)).digest()])
    blocks = [suit_digest]
    for key in keys:
        parts = [b"\xa1\x01\x38\x2d", {4: sha256(key).digest()[:8]}, None, b"signature"]
        blocks.append(encode(Tag(18, parts)))
    return encode(Tag(107, {2: encode(blocks), 3: payload}), 9_000)


def _manifest(**changes):
    made = Manifest(5, CLASS_ID, b"d" * 32, 60_000)
    made.mpy = MPY
    for name, value in changes.items():
        setattr(made, name, value)
    return manifests.to_bytes(made)


def seeds():
    """Return good documents, and envelopes with any number of signatures."""
    root = encode(["root", 2] + _ROOT[2:])
    stamp = encode(["timestamp", 1, NOW_S, LATER_S, [b"d" * 32]])
    forms = [(ROOT, root), (TIMESTAMP, stamp), (RELEASE, _manifest())]
    forms += [(RELEASE, _manifest(runtime=7, battery_mv=3300, after=2, security_counter=3))]
    forms += [(RAW, _enveloped(root, KEYS[:count])) for count in range(4)]
    return [bytes((form,)) + payload for form, payload in forms]


def take(data):
    """Return what a board comes to believe."""
    if not data:
        return b""
    form, payload = data[0] % 4, data[1:]
    if form == RAW:
        return _opened(payload)
    trust, given = Trust(encode(_ROOT)), _enveloped(payload)
    with _Passing():
        if form == ROOT:
            reason = trust.on_root(given)
        elif form == TIMESTAMP:
            reason = trust.on_timestamp(given, NOW_S)
        else:
            digest = envelopes.Envelope(given).digest()
            assert not trust.on_timestamp(
                _enveloped(encode(["timestamp", 1, NOW_S, LATER_S, [digest]])), NOW_S
            )
            reason = trust.on_release(given, _BOARD, NOW_S)
            _check_manifest(payload)
        believed = _believed(trust, reason)
        if form != ROOT or reason:  # it still takes what is good
            assert trust.on_root(_enveloped(encode(["root", 2] + _ROOT[2:]))) == 0
    # By real signatures nothing of it passes.
    assert Trust(encode(_ROOT)).on_root(given) and Trust(encode(_ROOT)).on_timestamp(given)
    return believed


def _opened(data):
    try:
        held = envelopes.Envelope(data)
    except RefusedError as error:
        return bytes((error.reason,))
    assert not held.is_signed(KEYS, 1)
    return bytes(held.payload) + held.digest() + bytes((held.is_by_hand(),))


def _check_manifest(payload):
    try:
        held = manifests.from_bytes(payload)
    except RefusedError:
        return
    assert manifests.to_bytes(held) == payload
    assert len(payload) <= manifests.MANIFEST_BYTES_MAX, "longer than a manifest"


def _believed(trust, reason):
    root = trust.root
    said = [reason, root.version, root.expires_s, root.sequence, root.security_counter]
    said += [threshold for threshold, _keys in root.roles]
    for threshold, keys in root.roles:
        assert 0 < threshold <= len(keys)
    said += [trust.timestamp_version, trust.expires_s, trust.current, trust.time_s]
    if trust.manifest:
        assert not reason
        said.append(manifests.to_bytes(trust.manifest))
    return encode(said, 4_096)
