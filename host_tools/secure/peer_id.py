"""The name of a key: a PeerId as libp2p writes it, of an Ed25519 public key.

Source   libp2p specs, "Peer IDs and Keys": a key of up to 42 B in its protobuf stands for itself,
         as a multihash in base58btc
"""

_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# The identity as a hash, of 36 B; in them, a key of type Ed25519, of 32 B.
_HEAD = b"\x00\x24\x08\x01\x12\x20"


def peer_id(public: bytes) -> str:
    """Return the PeerId of a public key."""
    assert len(public) == 32
    number = int.from_bytes(_HEAD + public, "big")
    text = ""
    while number:
        text = _DIGITS[number % 58] + text
        number = number // 58
    return "1" + text  # for the one byte of zero at the start
