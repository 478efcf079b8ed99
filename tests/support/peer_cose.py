"""Open and seal COSE_Encrypt0 with a stock library, in an environment that has it.

Usage: peer_cose.py pycose|cwt < jobs > results. A job is a line of JSON, all bytes in hex: `key`,
`iv` (or `base_iv`), `aad`, and `message` to open or `payload` to seal; a result is hex, "" if the
library refuses.
"""

import json
import sys


def with_pycose(job):
    """Do one job."""
    from pycose.algorithms import AESCCM1664128
    from pycose.headers import IV, Algorithm
    from pycose.keys import SymmetricKey
    from pycose.keys.keyparam import KpBaseIV, SymKpK
    from pycose.messages import CoseMessage, Enc0Message

    parameters = {SymKpK: bytes.fromhex(job["key"])}
    if "base_iv" in job:
        parameters[KpBaseIV] = bytes.fromhex(job["base_iv"])
    key = SymmetricKey(k=parameters.pop(SymKpK), optional_params=parameters)
    if "message" in job:
        message = CoseMessage.decode(bytes.fromhex(job["message"]))
        message.key, message.external_aad = key, bytes.fromhex(job["aad"])
        return message.decrypt()
    message = Enc0Message(
        phdr={Algorithm: AESCCM1664128},
        uhdr={IV: bytes.fromhex(job["iv"])},
        payload=bytes.fromhex(job["payload"]),
        external_aad=bytes.fromhex(job["aad"]),
        key=key,
    )
    return message.encode()


def with_cwt(job):
    """Do one job."""
    from cwt import COSE, COSEKey

    key = COSEKey.from_symmetric_key(bytes.fromhex(job["key"]), alg="AES-CCM-16-64-128")
    aad = bytes.fromhex(job["aad"])
    if "message" in job:
        return COSE.new().decode(bytes.fromhex(job["message"]), key, external_aad=aad)
    return COSE.new().encode(
        bytes.fromhex(job["payload"]),
        key,
        protected={1: 10},
        unprotected={5: bytes.fromhex(job["iv"])},
        external_aad=aad,
    )


def main(name):
    """Do all jobs."""
    work = {"pycose": with_pycose, "cwt": with_cwt}[name]
    for line in sys.stdin:
        try:
            print(work(json.loads(line)).hex())
        except Exception as error:  # noqa: BLE001 - each library has errors of its own
            print(type(error).__name__, error, file=sys.stderr)
            print()


if __name__ == "__main__":
    main(sys.argv[1])
