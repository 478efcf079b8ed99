"""Make the keys of this board, prove that it holds them, and keep what certifies them.

What leaves the board are the public halves, a signature and a code. New keys lie beside the
present ones until a certificate for them comes, so that the cable may be pulled at any moment.
"""

import binascii
import os
import time

from on_device.own_keys import FRESH, IDENTITY, MARK, ORDERS, blob, keep_certificate, open_store

PIECE_BYTES = 32
EVENTS = 128  # as many as `kernel/secure/entropy.py` asks for
EVENT_US = 500


def run(arguments):
    """Do `arguments["do"]`: make, or keep."""
    return ACTIONS[arguments["do"]](arguments)


def make(arguments):
    """Make keys unless there are some; returns the public halves and a proof over a nonce.

    `keys` says which: kept (or fresh ones, if there are none), fresh (made before, if there are
    such), or anew. Without entropy enough there is no answer.
    """
    import machine
    from cryptolib import aes
    from lent.secure.pure import PureCrypto

    store = open_store()
    crypto = PureCrypto(aes, os.urandom)
    held = None
    if arguments["keys"] == "kept":
        held = read(blob(store, IDENTITY))
    if arguments["keys"] != "anew":
        held = held or read(blob(store, FRESH))
    if not held:
        try:
            held = read(make_record(store, crypto))
        except OSError:
            return []  # too little entropy: no keys
    nonce = binascii.unhexlify(arguments["nonce"])
    ephemeral = binascii.unhexlify(arguments["ephemeral"])
    proof = held.prove(crypto, nonce, ephemeral, machine.unique_id())
    found = (held.public, held.signer) + proof
    return [binascii.hexlify(part).decode() for part in found]


def read(record):
    """Return the identity that a record holds, None if it is none."""
    from lent.secure.identity import Identity

    try:
        return Identity(record)
    except ValueError:
        return None


def make_record(store, crypto):
    """Gather entropy, make keys and keep them; returns the record."""
    from lent.secure.entropy import Entropy
    from lent.secure.identity import make as make_identity

    entropy = Entropy(blob(store, MARK))
    gather(entropy)
    record = make_identity(entropy, crypto)
    store.set_blob(MARK, entropy.mark())
    store.set_blob(FRESH, record)
    store.commit()
    return record


def gather(entropy):
    """Take random bytes while the radio is on, which makes them truly random, and times."""
    import network

    radio = network.WLAN(network.STA_IF)
    was_on = radio.active()
    radio.active(True)
    try:
        for _ in range(EVENTS):
            data = os.urandom(PIECE_BYTES)
            entropy.on_hardware(data, radio.active())
            # The radio interrupts: no two rounds take equally long. Either clock may stand still.
            time.sleep_us(EVENT_US)
            entropy.on_jitter(time.ticks_cpu() + time.ticks_us())
    finally:
        radio.active(was_on)


def keep(arguments):
    """Put a certificate beside the keys that it is for, in one step; and what is void."""
    store = open_store()
    values = {name: binascii.unhexlify(arguments[name]) for name in NAMES}
    if values["certificate"]:
        keep_certificate(store, values["signer"], values["authority"], values["certificate"])
    if values["orders"]:
        store.set_blob(ORDERS, values["orders"])
    store.commit()
    return True


NAMES = ("signer", "authority", "certificate", "orders")
ACTIONS = {"make": make, "keep": keep}
