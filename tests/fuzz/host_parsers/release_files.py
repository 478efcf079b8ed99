"""Releases as files, and envelopes as a computer reads them, held to what a board reads.

The first byte says which.
"""

import cbor2

from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.refusals import RefusedError
from cma_toolkit.host_tools.errors import CmaError
from cma_toolkit.host_tools.image.build import Image
from cma_toolkit.host_tools.release import artefact, documents
from cma_toolkit.host_tools.release.published import deflate, inflate
from support.release_signers import manifest

MODULES = (
    "cma_toolkit.host_tools.release.artefact",
    "cma_toolkit.host_tools.release.documents",
)
FILE, ENVELOPE, INFLATE = range(3)
_BLOCK_BYTES = 4_096


_RELEASE = artefact.make(
    "app", [Image(bytes(64), "app", "", "", {})], "6.3", artefact.Numbers(3, 0)
)


def seeds() -> list[bytes]:
    """Return a release, envelopes, and blocks that are deflated."""
    second = [[bytes(32), bytes(64)]]
    fields = cbor2.loads(_RELEASE.to_bytes())
    files = [_RELEASE.to_bytes(), cbor2.dumps({**fields, "ed25519": second}, canonical=True)]
    runtime = {**fields, "micropython": fields["parts"]}
    files.append(cbor2.dumps(runtime, canonical=True))
    signature = (b"k" * 8, b"signature")
    envelopes = [documents.envelope(manifest(), [signature][:count]) for count in range(2)]
    blocks = [deflate(bytes(_BLOCK_BYTES)), deflate(bytes(range(200)))]
    made = [(FILE, files), (ENVELOPE, envelopes), (INFLATE, blocks)]
    return [bytes((form,)) + bytes(each) for form, those in made for each in those]


def take(data: bytes) -> bytes:
    """Return what was read."""
    if not data:
        return b""
    form, body = data[0] % 3, data[1:]
    if form == INFLATE:
        try:
            block = inflate(body, _BLOCK_BYTES)
        except ValueError:
            return b""
        assert len(block) <= _BLOCK_BYTES
        return block
    if form == ENVELOPE:
        return _enveloped(body)
    try:
        release = artefact.read(body, "app.release")
    except CmaError as error:
        assert error.message.endswith(".")
        return b""
    assert release.to_bytes() == body
    return release.name.encode() + bytes.fromhex(release.digest)


def _enveloped(body: bytes) -> bytes:
    # What a board reads a computer reads alike.
    try:
        held = Envelope(body)
    except RefusedError:
        return b""
    payload, signatures = documents.open_envelope(body)
    assert payload == bytes(held.payload) and documents.digest_of(payload) == held.digest()
    assert dict(signatures) == {key: bytes(value) for key, value in held._signatures.items()}
    return payload
