"""What this board keeps of who it is, in its NVS. Included by the scripts that ask.

Private keys stay on this side: a script answers with public halves and proofs.
"""

KEYS_NAMESPACE = "cma_id"  # scripts that include this have a NAMESPACE of their own
IDENTITY, FRESH, MARK, ORDERS = "identity", "fresh", "mark", "orders"
RECORD_BYTES = 512
# Of a record, as `kernel/secure/identity.py` has it: behind a byte and the private keys.
PUBLIC_AT, AUTHORITY_AT, CERTIFICATE_AT = 65, 129, 161


def open_store():
    """Return the namespace; on a board without our map opening it would write it."""
    from esp32 import NVS

    return NVS(KEYS_NAMESPACE)


def blob(store, key):
    """Return a value, b"" if there is none."""
    buffer = bytearray(RECORD_BYTES)
    try:
        return bytes(buffer[: store.get_blob(key, buffer)])
    except OSError:
        return b""  # not set


def drop_blob(store, key):
    """Erase a value if it is there."""
    try:
        store.erase_key(key)
    except OSError:
        pass  # not set


def halves():
    """Return what may leave the board, in hexadecimal: of keys in use and of fresh ones."""
    import binascii

    store = open_store()
    record, fresh = blob(store, IDENTITY), blob(store, FRESH)
    found = {
        "public": record[PUBLIC_AT : PUBLIC_AT + 32],
        "signer": record[PUBLIC_AT + 32 : AUTHORITY_AT],
        "authority": record[AUTHORITY_AT:CERTIFICATE_AT],
        "certificate": record[CERTIFICATE_AT:],
        "fresh_signer": fresh[PUBLIC_AT + 32 : AUTHORITY_AT],
        "orders": blob(store, ORDERS),
    }
    return {name: binascii.hexlify(value).decode() for name, value in found.items()}


def load():
    """Return the `Identity` of a board that has keys, None without; the kit must be there."""
    from lent.secure.identity import Identity

    try:
        return Identity(blob(open_store(), IDENTITY))
    except ValueError:
        return None


def keep_certificate(store, signer, authority, certificate):
    """Write a certificate behind the keys that it is for, in one step.

    Raises: ValueError if this board has no such keys.
    """
    for key in (FRESH, IDENTITY):
        record = blob(store, key)
        if record[PUBLIC_AT + 32 : AUTHORITY_AT] == signer:
            store.set_blob(IDENTITY, record[:AUTHORITY_AT] + authority + certificate)
            store.commit()
            drop_blob(store, FRESH)
            return
    raise ValueError("this board has no such keys")
