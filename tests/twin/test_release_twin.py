"""The same documents, good and spoilt, are taken and refused alike on both runtimes."""

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.documents import RootDocument
from cma_toolkit.sim.world import micropython
from support.release_signers import (
    CLASS_ID,
    DAY_S,
    LATER_S,
    MPY,
    NOW_S,
    Signer,
    manifest,
    role,
    signed,
)

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "support" / "release_replay.py"
SPOILT = 400


def spoilt(data: bytes, draw: random.Random) -> bytes:
    """Return a document with something changed, cut off or put in."""
    changed = bytearray(data)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(changed))
        how = draw.randrange(4)
        if how == 0:
            changed[at] ^= 1 << draw.randrange(8)
        elif how == 1:
            del changed[at : at + draw.randint(1, 4)]
        elif how == 2:
            changed[at:at] = draw.randbytes(2)
        else:
            changed[at] = draw.randrange(256)
    return bytes(changed)


def life(draw: random.Random) -> tuple[RootDocument, list[tuple[str, bytes, int]]]:
    """Return a root and what is handed over in the course of three releases and a rotation."""
    old, new, stamp = Signer(11), Signer(12), Signer(13)
    roles = {"root": role(1, old), "release": role(1, old), "timestamp": role(1, stamp)}
    first = RootDocument(1, LATER_S, roles)
    second = replace(first, version=2, sequence=1, roles={**roles, "release": role(2, old, new)})
    given: list[tuple[str, bytes, int]] = []
    for number, signers in ((1, [old]), (2, [old]), (2, [old, new])):
        payload = manifest(number, security_counter=number)
        now_s = NOW_S + len(given)
        said = documents.timestamp(
            len(given) + 1, now_s, now_s + DAY_S, [documents.digest_of(payload)]
        )
        given.append(("timestamp", signed(said, [stamp]), now_s))
        given.append(("release", signed(payload, signers), now_s))
        if len(given) == 4:
            given.append(("root", signed(second.to_bytes(), [old]), now_s))
    spoilt_ones = []
    for _ in range(SPOILT):
        at = draw.randrange(len(given))
        kind, data, now_s = given[at]
        if draw.random() < 0.5:  # with a digest that agrees: its content is looked at
            data = documents.envelope(spoilt(documents.open_envelope(data)[0], draw))
        else:
            data = spoilt(data, draw)
        spoilt_ones.append((at, (kind, data, now_s)))
    for at, one in sorted(spoilt_ones, reverse=True):
        given.insert(at, one)
    return first, given


def test_both_runtimes_take_and_refuse_the_same(tmp_path: Path) -> None:
    root, given = life(random.Random(3))
    path = tmp_path / "given"
    board = {"class_id": CLASS_ID.hex(), "slot_bytes": 1 << 18, "mpy": MPY}
    lines = [json.dumps({"root": root.to_bytes().hex(), **board})]
    lines += [f"{kind} {now_s} {data.hex()}" for kind, data, now_s in given]
    path.write_text("\n".join(lines))
    answers = []
    for command in ([sys.executable], micropython.interpreter()):
        firmware = str(ROOT / "firmware")
        done = subprocess.run(
            [*command, str(SCRIPT), str(path)],
            env={**os.environ, "PYTHONPATH": firmware, "MICROPYPATH": f"{firmware}:.frozen"},
            capture_output=True,
            text=True,
            check=True,
        )
        answers.append(json.loads(done.stdout))
    assert answers[0] == answers[1]
    assert answers[0].count(0) == 7 and len(set(answers[0])) >= 4
