"""How many public vectors the kernel's cryptography answers, on CPython and on MicroPython.

X25519, Ed25519, SHA-512, HMAC, HKDF and AES-CCM: those of the package `cryptography_vectors` (of
RFC 7748, 8032, 4231, 5869, and NIST's of SP 800-38C and FIPS 180-4), those of RFC 3610, the 1,000
iterations of RFC 7748, and forgeries made by hand. A vector counts only if nothing passes for it
with a bit flipped; the lesser count is the figure. Two minutes.
"""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from support import crypto_vectors, public_vectors, shipped

EXAMPLES = 2_145
UNIT = f"of_{EXAMPLES}_examples"
AT_LEAST = EXAMPLES

RFC_3610 = 24  # the first of our own
SCRIPTS = ["crypto_vectors", "crypto"]


def measure(say: Callable[[str], None]) -> int:
    """Let both runtimes answer every vector."""
    vectors = public_vectors.load(public_vectors.fetch(say))
    vectors["ccm"] += crypto_vectors.load()["ccm"][:RFC_3610]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.json"
        path.write_text(json.dumps(vectors))
        printed = shipped.run(SCRIPTS, str(path), heap="64M")
    on_micropython = json.loads(printed)
    on_cpython = {kind: crypto_vectors.answers(kind, vectors[kind]) for kind in vectors}
    on_cpython["forged"] = crypto_vectors.negatives()
    on_cpython["iterated"] = [crypto_vectors.check_iterated(1_000)]
    counts = []
    for runtime, answers in (("CPython", on_cpython), ("MicroPython", on_micropython)):
        for kind, found in sorted(answers.items()):
            say(f"{runtime}: {kind}: {found.count(True)} of {len(found)}")
        counts.append(sum(found.count(True) for found in answers.values()))
    return min(counts)
