"""Whether a board runs what it should: what it signed, held to what this fleet knows.

Pure. One verdict a claim; nothing is said of the others if the token itself is not to be believed.

Source   RFC 9334 (the verifier), RFC 9711 (the token); SPEC.md, "Attestation"
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cma_toolkit.firmware.kernel.secure.port import Crypto
from cma_toolkit.firmware.kernel.secure.token import ANSWER_MS_MAX, Challenge, claims_in
from cma_toolkit.host_tools.secure.measurements import (
    BOOTLOADER,
    LOADER,
    MICROPYTHON,
    TABLE,
    Measured,
)

TOKEN, IMAGE, FILES, SETTINGS = "token", "image", "files", "settings"
TEXT_MAX = 120  # characters
CLAIMS = (TOKEN, IMAGE, MICROPYTHON, LOADER, FILES, SETTINGS)

_NOT_STORED = "no build that is in the store or in a release; see: cma micropython list"


class State(StrEnum):
    """What is known of a claim; all but the first are failures."""

    KNOWN = "known"
    OLDER = "older"
    UNKNOWN = "unknown"
    DIFFERS = "differs"


@dataclass(frozen=True)
class Verdict:
    """A claim, what is known of it, and why in words."""

    claim: str
    state: State
    text: str

    @property
    def is_good(self) -> bool:
        """Tell whether the claim holds."""
        return self.state is State.KNOWN


@dataclass(frozen=True)
class Question:
    """What was asked, of whom: a board's hardware address and the key it was enrolled with.

    Units: `took_ms` from the question to its answer. Shape: `others` names the fleet's other keys.
    """

    mac: bytes
    nonce: bytes
    signer: bytes
    took_ms: int
    others: Mapping[bytes, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """What a digest is, in words; `sequence` is the number of a release, 0 of none."""

    text: str
    sequence: int = 0


@dataclass(frozen=True)
class References:
    """What this fleet knows: digests of what may run on one board, and what it should hold.

    `sources` names what an image is by what it says of itself; `least` is the release that it must
    have at least, 0 for any that is known.
    """

    images: Mapping[bytes, Reference] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    least: int = 0
    micropythons: Mapping[bytes, Reference] = field(default_factory=dict)
    bootloaders: frozenset[bytes] = frozenset()
    table: bytes = b""
    loaders: Mapping[bytes, Reference] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    settings: Mapping[str, bytes] = field(default_factory=dict)


def judge(measured: Measured, asked: Question, known: References, crypto: Crypto) -> list[Verdict]:
    """Return the verdict on each claim, in the order of CLAIMS; only the first if it fails."""
    wrong = _wrong_token(measured, asked, crypto)
    if wrong:
        return [Verdict(TOKEN, State.DIFFERS, wrong)]
    runtime = dict(measured.runtime)
    return [
        Verdict(TOKEN, State.KNOWN, "signed with its key, for this question"),
        _image(measured, known),
        _micropython(runtime, known),
        _found(LOADER, runtime.get(LOADER, b""), known.loaders, "not as this cma writes it"),
        _files(measured, known),
        _settings(measured, known),
    ]


def is_right(verdicts: Sequence[Verdict]) -> bool:
    """Tell whether a board is what it should be."""
    return len(verdicts) == len(CLAIMS) and all(verdict.is_good for verdict in verdicts)


def plain(text: str) -> str:
    """Return what a board said as it may stand on a terminal: printable, and short."""
    return "".join(each if each.isprintable() else "?" for each in text[:TEXT_MAX])


def _wrong_token(measured: Measured, asked: Question, crypto: Crypto) -> str:
    """Return why a token is not to be believed, "" if it is."""
    claims = claims_in(measured.token, crypto=crypto, public=asked.signer)
    if claims is None:
        for signer, name in asked.others.items():
            if claims_in(measured.token, crypto=crypto, public=signer):
                return f"signed with the key of {name}: another board's token"
        return "not signed with the key that this board was enrolled with"
    nonce, mac, *digests = claims
    is_in_time = Challenge(0, mac, nonce).take(asked.took_ms, nonce, mac)
    reasons = (
        (nonce != asked.nonce, "it answers another question: a token of before, played again"),
        (mac != asked.mac, f"it is of the board {mac.hex(':')}, not of the one that was asked"),
        (not is_in_time, f"it came after {asked.took_ms} ms, at most {ANSWER_MS_MAX} are given"),
        (tuple(digests) != measured.digests(), "the lists beside it are not those that it signs"),
    )
    return next((text for is_wrong, text in reasons if is_wrong), "")


def _image(measured: Measured, known: References) -> Verdict:
    (_, digest), *others = measured.slot
    if others:
        path = plain(others[0][0])
        return Verdict(IMAGE, State.DIFFERS, f"{path} runs instead of the image's application")
    found = known.images.get(digest)
    if found and 0 < found.sequence < known.least:
        text = f"{found.text}, older than release {known.least}"
        return Verdict(IMAGE, State.OLDER, text)
    if found:
        return Verdict(IMAGE, State.KNOWN, found.text)
    name, sources = _about(measured.about)
    if sources in known.sources:
        text = f"it says it is {known.sources[sources]}, but its bytes are others"
        return Verdict(IMAGE, State.DIFFERS, text)
    said = f'; it says it is "{plain(name)}"' if name else ""
    return Verdict(IMAGE, State.UNKNOWN, "no release or build of this project" + said)


def _micropython(runtime: Mapping[str, bytes], known: References) -> Verdict:
    if runtime.get(TABLE) != known.table:
        return Verdict(MICROPYTHON, State.DIFFERS, "the partition table is not this board's")
    if runtime.get(BOOTLOADER) not in known.bootloaders:
        return Verdict(MICROPYTHON, State.UNKNOWN, "the bootloader is of no build that is known")
    return _found(MICROPYTHON, runtime.get(MICROPYTHON, b""), known.micropythons, _NOT_STORED)


def _found(
    claim: str, digest: bytes, references: Mapping[bytes, Reference], otherwise: str
) -> Verdict:
    reference = references.get(digest)
    if reference:
        return Verdict(claim, State.KNOWN, reference.text)
    return Verdict(claim, State.UNKNOWN, otherwise)


def _files(measured: Measured, known: References) -> Verdict:
    found = {path: digest for path, digest in measured.runtime if path.startswith("/")}
    wrong = [f"{path} is too many" for path in found if path not in known.files]
    wrong += [f"{path} is missing" for path in known.files if path not in found]
    wrong += [
        f"{path} is another"
        for path, digest in known.files.items()
        if found.get(path, digest) != digest
    ]
    if wrong:
        return Verdict(FILES, State.DIFFERS, plain(", ".join(sorted(wrong))))
    return Verdict(FILES, State.KNOWN, "as cma flash writes them")


def _settings(measured: Measured, known: References) -> Verdict:
    found = dict(measured.settings)
    wrong = sorted(
        key for key in {*found, *known.settings} if found.get(key) != known.settings.get(key)
    )
    if wrong:
        what = plain(", ".join(wrong))
        return Verdict(SETTINGS, State.DIFFERS, f"{what}: not as this project says")
    return Verdict(SETTINGS, State.KNOWN, "as this project says")


def _about(text: str) -> tuple[str, str]:
    """Return the name and the sources that an image says it has; it may say anything."""
    try:
        fields = json.loads(text)
        name, sources = fields["name"], fields["sources"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return "", ""
    return (name, sources) if isinstance(name, str) and isinstance(sources, str) else ("", "")
