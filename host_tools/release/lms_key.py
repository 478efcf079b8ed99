"""Keys of HSS/LMS with one level, and signatures with a leaf that the caller took for it.

Pure: whoever calls `sign` twice with one leaf and two messages gives the key away. That never
happens through `key_folder.py`, the only caller.

Source   RFC 8554, sections 4 and 5, appendix A; RFC 9858, section 3
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

_LEVELS = (1).to_bytes(4, "big")
_NO_OTHER_LEVEL = bytes(4)
_CHECKSUM_DIGITS = {1: 9, 2: 5, 4: 3, 8: 2}
_SEED_DOMAIN = b"\xff"
_MESSAGE, _KEYS, _LEAF, _NODE = b"\x81\x81", b"\x80\x80", b"\x82\x82", b"\x83\x83"


@dataclass(frozen=True)
class ParameterSet:
    """The numbers of a tree type and a one-time type, as the standards give them."""

    lms_type: int
    ots_type: int

    @property
    def hash_bytes(self) -> int:
        """Return the size of a hash."""
        return 24 if (self.ots_type - 1) & 4 else 32

    @property
    def height(self) -> int:
        """Return the height of the tree: it has 2 ** height leaves."""
        return self.lms_type % 5 * 5 + 5

    @property
    def digit_bits(self) -> int:
        """Return the bits of a digit."""
        return 1 << ((self.ots_type - 1) & 3)

    @property
    def digits(self) -> int:
        """Return how many digits a message has, those of its checksum included."""
        bits = self.digit_bits
        # 192 digits of one bit add up to less than 256: one digit less.
        less = bits == 1 and self.hash_bytes == 24
        return 8 * self.hash_bytes // bits + _CHECKSUM_DIGITS[bits] - less

    @property
    def signature_bytes(self) -> int:
        """Return the size of a signature: four numbers and hashes."""
        return 16 + self.hash_bytes * (1 + self.digits + self.height)


SHIPPED = ParameterSet(11, 7)  # SHA256_M24_H10 with SHA256_N24_W4: 1,024 signatures of 1,504 B


@dataclass(frozen=True)
class PrivateKey:
    """What a key is made from; the seed shows in no print."""

    parameters: ParameterSet
    identifier: bytes
    seed: bytes = field(repr=False)


def generate(parameters: ParameterSet, draw: Callable[[int], bytes]) -> PrivateKey:
    """Make a key from entropy; `draw(n)` gives n bytes of it."""
    return PrivateKey(parameters, draw(16), draw(parameters.hash_bytes))


def public_key(key: PrivateKey) -> bytes:
    """Return the public key, as an HSS key of one level."""
    types = _u32(key.parameters.lms_type) + _u32(key.parameters.ots_type)
    return _LEVELS + types + key.identifier + _tree(key)[1]


def parameters_of(public: bytes) -> ParameterSet:
    """Return the numbers that a public key begins with."""
    lms_type, ots_type = (int.from_bytes(public[at : at + 4], "big") for at in (4, 8))
    return ParameterSet(lms_type, ots_type)


def sign(key: PrivateKey, leaf: int, message: bytes, randomizer: bytes) -> bytes:
    """Return the signature of a message with a leaf, which must never sign another message."""
    parameters = key.parameters
    assert 0 <= leaf < 1 << parameters.height and len(randomizer) == parameters.hash_bytes
    begin = key.identifier + _u32(leaf)
    digits = _digits(parameters, _hash(parameters, begin + _MESSAGE + randomizer + message))
    chains = [_chain(key, leaf, i, digit) for i, digit in enumerate(digits)]
    tree, node, path = _tree(key), leaf + (1 << parameters.height), []
    while node > 1:
        path.append(tree[node ^ 1])
        node >>= 1
    one_time = _u32(parameters.ots_type) + randomizer + b"".join(chains)
    return _NO_OTHER_LEVEL + begin[16:] + one_time + _u32(parameters.lms_type) + b"".join(path)


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _hash(parameters: ParameterSet, data: bytes) -> bytes:
    return sha256(data).digest()[: parameters.hash_bytes]


def _digits(parameters: ParameterSet, digest: bytes) -> list[int]:
    bits = parameters.digit_bits
    top, count = (1 << bits) - 1, 8 * parameters.hash_bytes // bits
    number = int.from_bytes(digest, "big")
    digits = [number >> bits * i & top for i in reversed(range(count))]
    checksum = sum(top - digit for digit in digits)
    return digits + [
        checksum >> bits * i & top for i in reversed(range(parameters.digits - count))
    ]


def _chain(key: PrivateKey, leaf: int, index: int, steps: int) -> bytes:
    """Return a chain's value after so many steps from its secret."""
    size = key.parameters.hash_bytes
    begin = key.identifier + _u32(leaf) + index.to_bytes(2, "big")
    value = sha256(begin + _SEED_DOMAIN + key.seed).digest()[:size]
    for step in range(steps):
        value = sha256(begin + bytes((step,)) + value).digest()[:size]
    return value


@functools.lru_cache(maxsize=4)
def _tree(key: PrivateKey) -> list[bytes]:
    """Return all nodes, the root at 1; a second's work for 1,024 leaves."""
    parameters, leaves = key.parameters, 1 << key.parameters.height
    top = (1 << parameters.digit_bits) - 1
    nodes = [b""] * (2 * leaves)
    for leaf in range(leaves):
        ends = b"".join(_chain(key, leaf, i, top) for i in range(parameters.digits))
        one_time = _hash(parameters, key.identifier + _u32(leaf) + _KEYS + ends)
        number = leaf + leaves
        nodes[number] = _hash(parameters, key.identifier + _u32(number) + _LEAF + one_time)
    for number in reversed(range(1, leaves)):
        pair = nodes[2 * number] + nodes[2 * number + 1]
        nodes[number] = _hash(parameters, key.identifier + _u32(number) + _NODE + pair)
    return nodes
