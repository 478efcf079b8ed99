"""The examples of RFC 8949, appendix A, read and written by the kernel on one runtime.

Runs on both: `cbor_vectors.py VECTORS` prints a line per example: what `decode_any` reads, in
diagnostic notation as the appendix has it, and the bytes that `encode` makes of it; or the error.
"""

import json
import sys
from binascii import hexlify, unhexlify

from kernel.codec import cbor

SIMPLE_NAMES = {23: "undefined"}


def notation(value):  # noqa: PLR0911 - one return per type
    """Return a value in diagnostic notation, floats as their deterministic encodings."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return hexlify(cbor.encode(value)).decode()
    if isinstance(value, bytes):
        return "h'" + hexlify(value).decode() + "'"
    if isinstance(value, str):
        return '"' + value + '"'
    if isinstance(value, list):
        return "[" + ", ".join([notation(item) for item in value]) + "]"
    if isinstance(value, dict):
        rows = sorted([notation(key) + ": " + notation(value[key]) for key in value])
        return "{" + ", ".join(rows) + "}"
    if isinstance(value, cbor.Tag):
        if value.number == cbor.SIMPLE:
            return SIMPLE_NAMES.get(value.value) or f"simple({value.value})"
        return f"{value.number}({notation(value.value)})"
    return str(value)


def lines(path):
    """Return the answers to all examples."""
    with open(path) as file:
        examples = json.loads(file.read())
    answers = []
    for example in examples:
        try:
            value = cbor.decode_any(unhexlify(example["hex"]))
            answers.append([notation(value), hexlify(cbor.encode(value)).decode()])
        except cbor.CborError as error:
            answers.append([str(error), ""])
    return answers


if __name__ == "__main__":
    print(json.dumps(lines(sys.argv[1])))
