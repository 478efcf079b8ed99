"""What a board keeps of who it is, and how it proves that it holds the private halves."""

from kernel.secure import certificate
from kernel.secure.entropy import HARDWARE_BYTES, JITTER_COUNT, Entropy
from kernel.secure.identity import NONCE_BYTES, RECORD_BYTES_MAX, Identity, make, proven
from kernel.secure.kdf import hmac
from support import crypto
from support.script import raises
from support.secure_parties import Remembered

PORT = Remembered(crypto.make())
MAC = b"\xa4\xcf\x12\x00\x00\x01"
NONCE = bytes(range(NONCE_BYTES))


def _entropy(is_true=True):
    entropy = Entropy()
    entropy.on_hardware(crypto.make().random(HARDWARE_BYTES), is_true)
    for at in range(JITTER_COUNT):
        entropy.on_jitter(at * at)
    return entropy


RECORD = make(_entropy(), PORT)


def test_the_public_halves_are_those_of_the_private_ones():
    held = Identity(RECORD)
    assert held.public == PORT.public_of(held.agree_private)
    assert held.signer == PORT.signer_of(held.sign_private)
    assert held.agree_private != held.sign_private
    assert (held.authority, held.certificate) == (b"", b"")


def test_no_keys_are_made_without_entropy():
    raises(OSError, make, _entropy(is_true=False), PORT)


def test_a_certificate_lies_behind_the_keys_that_it_is_for():
    held = Identity(RECORD + b"\x05" * 32 + b"certificate")
    assert (held.authority, held.certificate) == (b"\x05" * 32, b"certificate")
    assert (held.public, held.signer) == (Identity(RECORD).public, Identity(RECORD).signer)


def test_what_is_no_record_is_refused():
    full = RECORD + b"\x05" * 32 + bytes(certificate.CERTIFICATE_BYTES_MAX)
    assert len(full) == RECORD_BYTES_MAX
    for size in range(len(full) + 2):
        data = (full + b"\x00")[:size]
        if size == len(RECORD) or len(RECORD) + 32 < size <= RECORD_BYTES_MAX:
            Identity(data)
        else:
            raises(ValueError, Identity, data)
    raises(ValueError, Identity, b"\x02" + RECORD[1:])


def test_a_proof_takes_both_private_keys_and_says_whose_they_are():
    held = Identity(RECORD)
    private = crypto.make().random(32)
    signature, code = held.prove(PORT, NONCE, PORT.public_of(private), MAC)
    message = proven(NONCE, MAC, held.public, held.signer)
    assert PORT.verify(held.signer, message, signature)
    assert code == hmac(PORT.agree(private, held.public), message)
    for other in (
        proven(NONCE[1:] + b"\x00", MAC, held.public, held.signer),
        proven(NONCE, MAC[1:] + MAC[:1], held.public, held.signer),
        proven(NONCE, MAC, held.signer, held.public),
    ):
        assert not PORT.verify(held.signer, other, signature)
        assert code != hmac(PORT.agree(private, held.public), other)


def test_a_key_that_leads_to_no_secret_gets_no_proof():
    raises(ValueError, Identity(RECORD).prove, PORT, NONCE, bytes(32), MAC)


def test_a_proof_holds_no_private_key():
    held = Identity(RECORD)
    told = b"".join(held.prove(PORT, NONCE, PORT.public_of(b"\x07" * 32), MAC))
    assert held.agree_private not in told and held.sign_private not in told
