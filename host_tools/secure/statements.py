"""Make what boards read as revocations: lists of keys that are void, and successions.

Source   RFC 9052, section 4.4 (COSE_Sign1); SPEC.md, "Revocations"
"""

from collections.abc import Callable, Iterable

from cma_toolkit.firmware.kernel.codec.cbor import encode
from cma_toolkit.firmware.kernel.secure.certificate import PROTECTED, thumbprint_of, to_be_signed
from cma_toolkit.firmware.kernel.secure.revocation import MARK_BYTES, REVOKED_MAX, read

EPOCH_OF_NUMBERS_S = 1_577_836_800  # 2020-01-01: a number lost with a database never comes again

Sign = Callable[[bytes], bytes]


def list_revoked(
    network: int, number: int, epoch: int, signers: Iterable[bytes], sign: Sign
) -> bytes:
    """Return the signed list of keys that are void.

    Raises: ValueError for more than REVOKED_MAX keys, or a number out of its bounds.
    """
    marks = sorted({thumbprint_of(signer)[:MARK_BYTES] for signer in signers})
    if len(marks) > REVOKED_MAX:
        raise ValueError(f"{len(marks)} keys, a list holds {REVOKED_MAX}")
    return _signed([network, number, epoch, b"".join(marks)], sign)


def name_successor(network: int, number: int, successor: bytes, sign: Sign) -> bytes:
    """Return the signed word that another authority comes after this one.

    Raises: ValueError for a number out of its bounds.
    """
    return _signed([network, number, successor], sign)


def next_number(last: int, successions: Iterable[bytes], now_s: int) -> int:
    """Return the number of a new statement: later than any list, succession, or what was lost."""
    numbers = [int(read(succession)[1]) for succession in successions]
    return max(last + 1, *(number + 1 for number in numbers), now_s - EPOCH_OF_NUMBERS_S)


def _signed(items: list[int | bytes], sign: Sign) -> bytes:
    payload = encode(items)
    statement = encode([PROTECTED, {}, payload, sign(to_be_signed(payload))])
    read(statement)  # what a board would refuse is not handed out
    return statement


def epoch_of(document: bytes) -> int:
    """Return the epoch of a list, 0 of none."""
    return int(read(document)[2]) if document else 0


def says(document: bytes, epoch: int, signers: Iterable[bytes]) -> bool:
    """Tell whether a list says just this; no list says that nothing is void."""
    marks = b"".join(sorted({thumbprint_of(signer)[:MARK_BYTES] for signer in signers}))
    if not document:
        return not epoch and not marks
    return bool(read(document)[2:] == [epoch, marks])
