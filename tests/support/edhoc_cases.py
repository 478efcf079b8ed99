"""Sessions drawn from a seed, as the reference has them; and replayed by the kernel's machines."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cbor2

from cma_toolkit.sim.world import micropython
from kernel.prng import Prng, seed_from
from support.edhoc_reference import Party, Session, session

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "support" / "edhoc_replay.py"
VECTORS = ROOT / "tests" / "support" / "vectors" / "rfc9529.json"
# What nobody needs to understand; the kernel hears it and sends none.
PADDINGS = (b"", b"\x00", b"\x00\x43abc", b"\x17", b"\x19\x01\x00\x40\x00")


def published() -> dict[str, Any]:
    """Return what RFC 9529 has: sessions, and messages that are none."""
    held: dict[str, Any] = json.loads(VECTORS.read_text())
    return held


def drawn(seed: int, method: int = 3, suite: int = 0) -> dict[str, Any]:
    """Return a session of two random sides, as the fields of a case."""
    rng = Prng(seed_from(seed, "edhoc", method, suite))
    signs = method in (0, 1), method in (0, 2)
    first = _party(rng, suite, b"", signs[0])
    other = _party(rng, suite, first.identifier, signs[1])
    first_ead, other_ead = (_drawn_ead(rng), _drawn_ead(rng)), (_drawn_ead(rng), _drawn_ead(rng))
    # Ours send no EAD, but must hear it.
    to_initiator = session(method, [suite], first, _with(other, other_ead))
    to_responder = session(method, [suite], _with(first, first_ead), other)
    return {
        "suites": [suite],
        **_fields("I", "X", first),
        **_fields("R", "Y", other),
        "to_initiator": told(to_initiator),
        "to_responder": told(to_responder),
    }


def told(held: Session) -> dict[str, str]:
    """Return what a session is compared by."""
    return {
        **{f"message_{number + 1}": held.messages[number].hex() for number in range(4)},
        "master_secret": held.export(0, b"", 16).hex(),
        "master_salt": held.export(1, b"", 8).hex(),
    }


def replayed(cases: list[dict[str, Any]], runtime: str, folder: Path) -> tuple[int, str]:
    """Return how many cases a runtime plays as the reference does, and what it printed."""
    path = folder / "cases.jsonl"
    path.write_text("".join(json.dumps(case) + "\n" for case in cases))
    command = [sys.executable] if runtime == "CPython" else micropython.interpreter()
    roots = f"{ROOT / 'firmware'}:{ROOT / 'tests'}"
    ended = subprocess.run(
        [*command, str(SCRIPT), str(path)],
        env={**os.environ, "PYTHONPATH": roots, "MICROPYPATH": f"{roots}:.frozen"},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(ended.stdout.split()[-1]), ended.stdout


def _party(rng: Prng, suite: int, taken: bytes, does_sign: bool) -> Party:
    ephemeral, authentication = _private(rng), _private(rng)
    identifier = taken
    while identifier == taken:
        identifier = _bytes(rng, 1 + rng.below(3))
    if rng.below(2):
        id_cred = cbor2.dumps({4: _bytes(rng, 1 + rng.below(4))})
    else:
        id_cred = cbor2.dumps({13: [b"\xa1\x01\x27", {}, _bytes(rng, rng.below(90)), bytes(64)]})
    cred = cbor2.dumps({2: "x" * rng.below(30), 8: _bytes(rng, 32 + rng.below(128))})
    return Party(ephemeral, authentication, identifier, id_cred, cred)


def _with(party: Party, ead: tuple[bytes, bytes]) -> Party:
    return Party(
        party.ephemeral, party.authentication, party.identifier, party.id_cred, party.cred, ead
    )


def _drawn_ead(rng: Prng) -> bytes:
    return PADDINGS[rng.below(len(PADDINGS))]


def _private(rng: Prng) -> bytes:
    return b"\x01" + _bytes(rng, 31)  # below the order of P-256


def _bytes(rng: Prng, count: int) -> bytes:
    return bytes(rng.below(256) for _ in range(count))


def _fields(side: str, ephemeral: str, party: Party) -> dict[str, str]:
    return {
        ephemeral: party.ephemeral.hex(),
        f"SK_{side}": party.authentication.hex(),
        f"C_{side}": party.identifier.hex(),
        f"ID_CRED_{side}": party.id_cred.hex(),
        f"CRED_{side}": party.cred.hex(),
    }
