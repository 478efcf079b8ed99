"""A release as one file: for each kind of chip its image, and the manifest in its envelope.

Pure. The same images and numbers give the same bytes; a signature is random, so what two people
compare is the digest of what is signed.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import cbor2

from cma_toolkit.firmware.kernel.codec.cbor import CborError
from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.index import image_digest
from cma_toolkit.firmware.kernel.release.manifest import (
    NUMBER_MAX,
    Manifest,
    from_bytes,
    to_bytes,
)
from cma_toolkit.firmware.kernel.release.refusals import RefusedError
from cma_toolkit.host_tools.errors import refused, usage
from cma_toolkit.host_tools.fleet.fleet_file import NAME_PATTERN, NAME_RULE
from cma_toolkit.host_tools.image.build import Image
from cma_toolkit.host_tools.release import documents, runtime_image, second

FORMAT = 1
SUFFIX = ".release"
ANY_CHIP = "any"
CLASSES = uuid.uuid5(uuid.NAMESPACE_DNS, "class.cma-toolkit")
IMAGES_MAX = 8
SECONDS_MAX = 8


@dataclass(frozen=True)
class Part:
    """One image and the envelope of its manifest; `architecture` "" is for every chip."""

    architecture: str
    envelope: bytes
    image: bytes

    @property
    def manifest(self) -> Manifest:
        """Return what the manifest says; an envelope in a release has one."""
        return from_bytes(Envelope(self.envelope).payload)

    @property
    def digest(self) -> bytes:
        """Return by what a timestamp names it."""
        return Envelope(self.envelope).digest()


@dataclass(frozen=True)
class Release:
    """The images of an application under one number.

    `seconds` are Ed25519 keys with their signatures, which no board needs. `runtimes` are the
    MicroPythons that have to run before, on boards that get it over the air: each for a build,
    whose name is in the place of the architecture, and all under the number of the release with
    which they came.
    """

    name: str
    parts: tuple[Part, ...]
    seconds: tuple[tuple[bytes, bytes], ...] = ()
    runtimes: tuple[Part, ...] = ()

    @property
    def all_parts(self) -> tuple[Part, ...]:
        """Return all that is signed: the images, then the MicroPythons."""
        return self.parts + self.runtimes

    @property
    def sequence(self) -> int:
        """Return the number of the release."""
        return self.parts[0].manifest.sequence

    @property
    def digest(self) -> str:
        """Return what two builds of the same release have in common, signed or not."""
        return sha256(b"".join(part.digest for part in self.all_parts)).hexdigest()

    def with_envelopes(self, envelopes: Sequence[bytes]) -> "Release":
        """Return the release with other envelopes of all its parts, as after signing."""
        pairs = zip(self.all_parts, envelopes, strict=True)
        made = tuple(replace(part, envelope=new) for part, new in pairs)
        count = len(self.parts)
        return replace(self, parts=made[:count], runtimes=made[count:])

    def with_second(self, public: bytes, signature: bytes) -> "Release":
        """Return the release with the signature of an Ed25519 key, once."""
        others = tuple(pair for pair in self.seconds if pair[0] != public)
        return replace(self, seconds=(*others, (public, signature)))

    def is_second(self, public: bytes) -> bool:
        """Tell whether an Ed25519 key signed the release; `read` held its signature to it."""
        return any(public == one for one, _ in self.seconds)

    def to_bytes(self) -> bytes:
        """Return the file."""
        fields: dict[str, Any] = {"format": FORMAT, "name": self.name}
        fields["parts"] = [list(vars(part).values()) for part in self.parts]
        if self.runtimes:
            fields["micropython"] = [list(vars(part).values()) for part in self.runtimes]
        if self.seconds:
            fields["ed25519"] = [list(pair) for pair in self.seconds]
        return bytes(cbor2.dumps(fields, canonical=True))


@dataclass(frozen=True)
class Numbers:
    """What a person decides of a release; `after` is the least release that must run before."""

    sequence: int
    security_counter: int = 0
    battery_mv: int = 0
    after: int = 0


def class_id(name: str, architecture: str) -> bytes:
    """Return the class of boards that an image is for: an application on a kind of chip."""
    return uuid.uuid5(CLASSES, f"{name}/{architecture or ANY_CHIP}").bytes


def make(
    name: str,
    images: Sequence[Image],
    mpy_format: str,
    numbers: Numbers,
    runtimes: tuple[Part, ...] = (),
) -> Release:
    """Put images into a release that nobody signed yet, with the MicroPythons that they need.

    `mpy_format` is what the compiler calls it, such as 6.3.
    Raises: CmaError 2 for a number that boards cannot count, or a name that no file should have.
    """
    if not _is_name(name):
        raise usage(f'"{name}" is no name for a release: give the application one of {NAME_RULE}.')
    for what, number in vars(numbers).items():
        least = 1 if what == "sequence" else 0
        if not least <= number <= NUMBER_MAX:
            raise usage(f"{what} is {number}: give a number from {least} to {NUMBER_MAX}.")
    if numbers.after >= numbers.sequence:
        raise usage(
            f"Release {numbers.sequence} cannot need release {numbers.after} before it: name an "
            "earlier one with --after."
        )
    if runtimes and runtimes[0].manifest.sequence > numbers.sequence:
        raise usage(
            f"Release {numbers.sequence} would go on with the MicroPython of release "
            f"{runtimes[0].manifest.sequence}: give a later number with --sequence."
        )
    parts = []
    for image in images:
        kind, digest = class_id(name, image.architecture), image_digest(image.data)
        manifest = Manifest(numbers.sequence, kind, digest, len(image.data))
        manifest.security_counter = numbers.security_counter
        manifest.mpy = mpy_number(mpy_format)
        manifest.battery_mv, manifest.after = numbers.battery_mv, numbers.after
        manifest.runtime = runtimes[0].manifest.sequence if runtimes else 0
        envelope = documents.envelope(to_bytes(manifest))
        parts.append(Part(image.architecture, envelope, image.data))
    return Release(name, tuple(parts), runtimes=runtimes)


def make_runtime(build: str, image: bytes, mpy_format: str, numbers: Numbers) -> Part:
    """Return a MicroPython that nobody signed yet, under the number of the release it is for."""
    kind, digest = runtime_image.class_id(CLASSES, build), runtime_image.digest(image)
    manifest = Manifest(numbers.sequence, kind, digest, len(image))
    manifest.security_counter, manifest.battery_mv = numbers.security_counter, numbers.battery_mv
    manifest.mpy = mpy_number(mpy_format)
    return Part(build, documents.envelope(to_bytes(manifest)), image)


def mpy_number(mpy_format: str) -> int:
    """Return the number of a format as a manifest has it."""
    version, _, sub_version = mpy_format.partition(".")
    return int(version) << 8 | int(sub_version)


def read(data: bytes, path: str) -> Release:
    """Take a release's file apart, and hold each image to its manifest.

    Raises: CmaError 4 if it is none, or damaged.
    """
    try:
        release = _parse(cbor2.loads(data))
        whole = release.to_bytes() == data
        sequences = {part.manifest.sequence for part in release.parts}
        fits = _fits(release)
    except (cbor2.CBORDecodeError, CborError, RefusedError, KeyError, TypeError, ValueError):
        raise refused(f"{path} is no release: make one with cma release create.") from None
    if not whole or not fits or len(sequences) != 1:
        raise refused(f"{path} is damaged: make it again with cma release create.")
    return release


def _parse(fields: Any) -> Release:
    parts, runtimes = _parts(fields["parts"]), _parts(fields.get("micropython", []))
    name = str(fields["name"])
    if fields["format"] != FORMAT or not parts or len(parts + runtimes) > IMAGES_MAX:
        raise ValueError
    if not _is_name(name):
        raise ValueError
    pairs = fields.get("ed25519", [])
    if len(pairs) > SECONDS_MAX:
        raise ValueError
    seconds = tuple((_bytes(one), _bytes(other)) for one, other in pairs)
    return Release(name, parts, seconds, runtimes)


def _parts(rows: Any) -> tuple[Part, ...]:
    return tuple(
        Part(str(architecture), _bytes(envelope), _bytes(image))
        for architecture, envelope, image in rows
    )


def _bytes(value: Any) -> bytes:
    # Of a number `bytes` makes as many zeros.
    if not isinstance(value, bytes):
        raise ValueError
    return value


def _is_name(name: str) -> bool:
    # It becomes a file's, and a person tells releases apart by it.
    return bool(re.fullmatch(NAME_PATTERN, name))


def _fits(release: Release) -> bool:
    for part in release.parts:
        manifest, image = part.manifest, part.image
        if manifest.size_bytes != len(image) or manifest.digest != image_digest(image):
            return False
        if manifest.class_id != class_id(release.name, part.architecture):
            return False
    if not _fits_runtimes(release):
        return False
    digest = bytes.fromhex(release.digest)
    return all(second.is_good(*pair, digest) for pair in release.seconds)


def _fits_runtimes(release: Release) -> bool:
    """Tell whether the MicroPythons are what their manifests say, and the images need them."""
    for part in release.runtimes:
        manifest = part.manifest
        facts = (manifest.digest, manifest.size_bytes, manifest.class_id)
        kind = runtime_image.class_id(CLASSES, part.architecture)
        if facts != (runtime_image.digest(part.image), len(part.image), kind):
            return False
    numbers = {part.manifest.sequence for part in release.runtimes} or {0}
    needed = {part.manifest.runtime for part in release.parts}
    return needed == numbers and len(numbers) == 1 and max(numbers) <= release.sequence
