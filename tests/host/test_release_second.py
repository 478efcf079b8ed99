"""Ed25519 as a second signature of a release: made with keys that people have, read by people."""

from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.image.build import Image
from cma_toolkit.host_tools.release import artefact, second
from cma_toolkit.host_tools.release.artefact import Numbers, Release

PEM, OPENSSH = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
PKCS8, NO_PASSWORD = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()


def made(text: str = "image") -> Release:
    image = Image(text.encode() * 100, "greenhouse", "5ca1ab1e", "", {})
    return artefact.make("greenhouse", [image], "6.3", Numbers(1))


def signed(release: Release, key: ed25519.Ed25519PrivateKey) -> Release:
    return release.with_second(*second.sign(key, bytes.fromhex(release.digest)))


def test_a_release_says_by_whom_it_is_signed_and_boards_get_the_same_envelopes() -> None:
    one, other = (ed25519.Ed25519PrivateKey.generate() for _ in range(2))
    release = signed(signed(signed(made(), one), other), one)
    assert artefact.read(release.to_bytes(), "x") == release
    assert len(release.seconds) == 2 and release.parts == made().parts
    assert release.digest == made().digest
    publics = [key.public_key().public_bytes_raw() for key in (one, other)]
    assert all(map(release.is_second, publics))
    assert not made().is_second(publics[0])


def test_the_signature_is_one_of_cose() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    release = signed(made(), key)
    structure = ["Signature1", b"\xa1\x01\x27", b"", bytes.fromhex(release.digest)]
    key.public_key().verify(release.seconds[0][1], cbor2.dumps(structure))


def test_a_signature_of_something_else_spoils_the_file() -> None:
    release = signed(made(), ed25519.Ed25519PrivateKey.generate())
    public, signature = release.seconds[0]
    for pair in (
        (public, signature[:-1] + bytes([signature[-1] ^ 1])),
        (public[:-1], signature),
        signed(made("other"), ed25519.Ed25519PrivateKey.generate()).seconds[0],
    ):
        data = Release(release.name, release.parts, (pair,)).to_bytes()
        with pytest.raises(CmaError, match="damaged"):
            artefact.read(data, "x")
    with pytest.raises(CmaError, match="no release"):
        artefact.read(Release(release.name, release.parts, release.seconds * 9).to_bytes(), "x")


def test_keys_of_openssl_and_openssh_are_read(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    for how in (PKCS8, OPENSSH):
        data = key.private_bytes(PEM, how, NO_PASSWORD)
        loaded = second.load_private(data, tmp_path)
        assert loaded.public_key().public_bytes_raw() == public
    for encoding, form in (
        (PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
    ):
        data = key.public_key().public_bytes(encoding, form)
        assert second.load_public(data, tmp_path) == public


def test_what_is_no_such_key_is_refused_in_a_sentence() -> None:
    path = Path("key")
    key, other = ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)
    locked = serialization.BestAvailableEncryption(b"password")
    for data in (
        key.private_bytes(PEM, PKCS8, locked),
        other.private_bytes(PEM, PKCS8, NO_PASSWORD),
        b"",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
    ):
        with pytest.raises(CmaError, match="ssh-keygen") as raised:
            second.load_private(data, path)
        assert raised.value.code == ExitCode.USAGE
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    for data in (other.public_key().public_bytes(PEM, form), b"ssh-ed25519 A", b"\xff"):
        with pytest.raises(CmaError, match="no public Ed25519 key"):
            second.load_public(data, path)
