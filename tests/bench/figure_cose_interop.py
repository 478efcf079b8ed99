"""Messages that stock COSE libraries open as we sealed them, and that we open as they sealed them.

`pycose` and `cwt` in an environment of their own, and PyCA's AES-CCM under a COSE structure built
by hand. A message that was changed in one bit must be refused by all.
"""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cbor2
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from kernel.codec.frame import write_header
from kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES
from kernel.secure.sealed import FOR_GROUP, FOR_PAIR, PROTECTED, Keys
from support import cose_forms
from support.protected import ALL, NETWORK, Member, cluster, pair

UNIT = "messages"
AT_LEAST = 1_000
MESSAGES = 1_000
PEERS = {"pycose": "pycose==1.1.0", "cwt": "cwt==3.3.0"}
ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "cose"
Job = dict[str, str]


def _python(say: Callable[[str], None]) -> Path:
    """Return the interpreter of an environment that has the peers; make it once."""
    python = FOLDER / "bin" / "python"
    if not (FOLDER / ".installed").exists():
        say("installing " + " and ".join(PEERS.values()))
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", *PEERS.values()], check=True)
        (FOLDER / ".installed").touch()
    return python


def _ask(python: Path, name: str, jobs: list[Job], *, quiet: bool = False) -> list[bytes]:
    """Return what a library makes of each job; `quiet`: it is to refuse them."""
    ended = subprocess.run(
        [python, ROOT / "tests" / "support" / "peer_cose.py", name],
        input="".join(json.dumps(job) + "\n" for job in jobs),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        check=True,
    )
    return [bytes.fromhex(line) for line in ended.stdout.splitlines()]


class Recorded:
    """One sender and one hearer, with the keys between them."""

    def __init__(self, draw: random.Random, number: int) -> None:
        sender: Member
        hearer: Member
        if number % 2:
            sender, hearer = pair(number)
            secret, purpose = sender.protection.sessions.secret_for(hearer.node), FOR_PAIR
            self.target = hearer.node
        else:
            sender, hearer = cluster(draw.randrange(1, 1 << 29), 2, epoch=number + 1)
            secret, purpose = sender.protection.group.secret(), FOR_GROUP
            self.target = ALL
        self.sender, self.hearer = sender, hearer
        keys = Recorder(secret, purpose)
        self.key, self.common_iv = keys.key, keys.iv


class Recorder:
    """A crypto port that tells which key and Common IV a secret leads to."""

    def __init__(self, secret: bytes, purpose: bytes) -> None:
        self.key = b""
        self.iv = Keys(self, secret, purpose).iv

    def aead(self, key: bytes) -> None:
        """Note the key."""
        self.key = key


def _opened_with_pyca(one: Recorded, frame: bytes) -> bytes:
    structure = ["Encrypt0", cbor2.dumps({1: 10}), cose_forms.external_aad(frame)]
    nonce = cose_forms.nonce_of(frame, one.common_iv)
    aad = cbor2.dumps(structure)
    return AESCCM(one.key, tag_length=8).decrypt(nonce, frame[HEADER_BYTES:-2], aad)


def _to_open(one: Recorded, frame: bytes, name: str, number: int) -> Job:
    """Return the job of opening a frame, by its Partial IV where the library knows that."""
    nonce = cose_forms.nonce_of(frame, one.common_iv)
    job = {"key": one.key.hex(), "aad": cose_forms.external_aad(frame).hex()}
    # pycose drops a zero in front of a nonce that it computes, cwt computes none.
    if name == "pycose" and number % 4 < 2 and nonce[0]:
        job["base_iv"] = cose_forms.base_iv(one.common_iv, frame[4:8]).hex()
        return {**job, "message": cose_forms.to_encrypt0(frame).hex()}
    return {**job, "message": cose_forms.to_encrypt0(frame, nonce).hex()}


def _header(one: Recorded) -> bytes:
    """Return the header of a frame that somebody else seals, far ahead of our own numbers."""
    header = bytearray(HEADER_BYTES)
    write_header(header, PROTECTED | 4, NETWORK, one.sender.node, one.target, 1_000)
    return bytes(header)


def measure(say: Callable[[str], None]) -> int:
    """Return how many messages went both ways with all libraries, and in a changed form none."""
    python = _python(say)
    draw = random.Random(1)
    meetings = [Recorded(draw, number) for number in range(MESSAGES)]
    payloads = [draw.randbytes(draw.randrange(1, 227)) for _ in meetings]
    frames = [
        one.sender.sealed(one.target, payload)
        for one, payload in zip(meetings, payloads, strict=True)
    ]
    good = [
        _opened_with_pyca(one, frame) == payload
        for one, frame, payload in zip(meetings, frames, payloads, strict=True)
    ]
    for place, name in enumerate(PEERS):
        jobs = [
            _to_open(one, frame, name, number)
            for number, (one, frame) in enumerate(zip(meetings, frames, strict=True))
        ]
        opened = _ask(python, name, jobs)
        sealed = _sealed_by(python, name, meetings, payloads, place)
        for number, payload in enumerate(payloads):
            good[number] &= opened[number] == payload
            good[number] &= sealed[number] == payload
        spoiled = [{**job, "aad": "00" + job["aad"][2:]} for job in jobs]
        assert not any(_ask(python, name, spoiled[:50], quiet=True)), (
            f"{name} opens what was changed"
        )
        say(f"{name} opened and sealed {sum(good)} as we did")
    return sum(good)


def _sealed_by(
    python: Path, name: str, meetings: list[Recorded], payloads: list[bytes], place: int
) -> list[bytes | int]:
    """Return what we open of what a library sealed, one number after the other."""
    high = []
    jobs = []
    for one, payload in zip(meetings, payloads, strict=True):
        bits = one.sender.protection.group.epoch & 15 if one.target == ALL else 0
        high.append(bytes((bits << 4, place)))  # the number grows from one library to the next
        frame = _header(one) + bytes(8) + high[-1]
        nonce = cose_forms.nonce_of(frame, one.common_iv)
        aad = cose_forms.external_aad(frame)
        jobs.append(
            {"key": one.key.hex(), "iv": nonce.hex(), "aad": aad.hex(), "payload": payload.hex()}
        )
    opened: list[bytes | int] = []
    for one, message, last in zip(meetings, _ask(python, name, jobs), high, strict=True):
        frame = cose_forms.from_encrypt0(message, _header(one), last)
        assert len(frame) <= FRAME_BYTES_MAX
        opened.append(one.hearer.opened(frame))
    return opened
