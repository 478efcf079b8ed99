"""The private keys of virtual boards, as they lie in a board's flash, and where else they are."""

from pathlib import Path

KEY_BYTES = 32
NVS_AT, NVS_BYTES = 0x9000, 0x6000


def private_keys(flash: bytes, public: bytes, signer: bytes) -> tuple[bytes, bytes]:
    """Return the keys to agree and to sign with, which lie before their public halves.

    Raises: ValueError if they are not there.
    """
    at = flash.index(public + signer)
    return flash[at - 2 * KEY_BYTES : at - KEY_BYTES], flash[at - KEY_BYTES : at]


def nvs_of(board: Path) -> bytes:
    """Return the NVS of a virtual board, by its folder."""
    return (board / "flash.bin").read_bytes()[NVS_AT : NVS_AT + NVS_BYTES]


def files_with(key: bytes, *folders: Path) -> list[Path]:
    """Return the files that hold a key, in bytes or in hexadecimal."""
    forms = (key, key.hex().encode(), key.hex().upper().encode())
    return [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    ]
