"""What a person does with keys and documents: begin, sign, publish, rotate.

Each step asks the kernel's own code whether a board would take the result, before it is written.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.lms import verify
from cma_toolkit.firmware.kernel.release.manifest import Board
from cma_toolkit.firmware.kernel.release.trust import (
    ROLE_RELEASE,
    ROLE_ROOT,
    ROLE_TIMESTAMP,
    ROLES,
    Root,
    Trust,
)
from cma_toolkit.host_tools.errors import refused, usage
from cma_toolkit.host_tools.image.build import SLOT_BYTES
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.artefact import Part, Release
from cma_toolkit.host_tools.release.documents import Role, RootDocument
from cma_toolkit.host_tools.release.key_folder import KeyFolder
from cma_toolkit.host_tools.release.lms_key import SHIPPED, ParameterSet
from cma_toolkit.host_tools.release.repository import TIMESTAMP, Repository, name_of

DAY_S = 86_400
ROOT_DAYS = 730
TIMESTAMP_DAYS = 30
NOBODY = Role(0, ())
_BRING_KEY = "see cma release keys, or put a backup back with cma release restore."


@dataclass(frozen=True)
class Signed:
    """How far the signing of a document is."""

    count: int
    threshold: int

    @property
    def is_enough(self) -> bool:
        """Tell whether enough keys signed."""
        return self.count >= self.threshold


@dataclass(frozen=True)
class Office:
    """Where the keys and the public documents of a fleet are, and what time it is."""

    keys: KeyFolder
    repository: Repository
    clock: Callable[[], float] = time.time
    parameters: ParameterSet = SHIPPED

    @property
    def now_s(self) -> int:
        """Return the time."""
        return int(self.clock())

    def begin(self, counts: dict[str, tuple[int, int]], root_days: int = ROOT_DAYS) -> list[str]:
        """Make the keys of every role and the first root; return the keys' names.

        `counts` has for each role how many of how many keys must sign.
        Raises: CmaError 2 if there is a root or a key already.
        """
        if self.repository.roots():
            raise usage(
                f"{self.repository.folder} has a root already: change its keys with cma release "
                "rotate."
            )
        names = {role: _key_names(role, counts[role][1]) for role in ROLES}
        taken = {*self.keys.names()} & {name for each in names.values() for name in each}
        if taken:
            raise usage(f"{self.keys.folder} has a key {min(taken)} already: move it away first.")
        roles = {
            role: Role(
                counts[role][0],
                tuple(self.keys.create(name, self.parameters) for name in names[role]),
            )
            for role in ROLES
        }
        payload = RootDocument(1, self.now_s + root_days * DAY_S, roles).to_bytes()
        data, _ = self._signed(documents.envelope(payload), roles["root"])
        self.repository.write(self.repository.root_path(1), data)
        return [name for role in ROLES for name in names[role]]

    def role_of(self, root: Root, role: int) -> Role:
        """Return a role of a root."""
        threshold, keys = root.roles[role]
        return Role(threshold, tuple(keys))

    def sign_release(self, release: Release) -> tuple[Release, Signed]:
        """Add the signatures that are missing, by the keys that are here.

        Raises: CmaError 2 if none of them is here.
        """
        role = self.role_of(self.repository.trust().root, ROLE_RELEASE)
        pairs = [self._signed(part.envelope, role) for part in release.all_parts]
        signed = min((one for _, one in pairs), key=lambda one: one.count)
        self._need_one(signed)
        return release.with_envelopes([data for data, _ in pairs]), signed

    def sign_root(self) -> Signed:
        """Add the signatures that the newest root lacks, by the keys that are here.

        Raises: CmaError 2 if none of them is here.
        """
        path = self.repository.newest_root_path()
        version = self.repository.newest_root().version
        data, signed = self._signed_root(version, self.repository.read(path))
        self.repository.write(path, data)
        return signed

    def publish(self, release: Release, days: int = TIMESTAMP_DAYS) -> Path:
        """Make a release the current one; boards of its fleet take it from then on.

        Raises: CmaError 4 if a board would refuse it.
        """
        trust = self.repository.trust()
        for other in self.repository.published():
            if other.digest != release.digest:
                count_on(trust, other)
        return self.repository.publish(release, self._stamp(trust, release, days))

    def refresh(self, days: int = TIMESTAMP_DAYS) -> Release:
        """Say again that what is current still is; return it.

        Raises: CmaError 2 if nothing was published, 4 if boards would refuse it by now.
        """
        published = self.repository.published()
        if not published:
            raise usage("Nothing is published: publish a release with cma release publish.")
        stamp = self._stamp(self.repository.trust(), published[-1], days)
        self.repository.write(self.repository.folder / TIMESTAMP, stamp)
        return published[-1]

    def rotate(self, role: int, old: bytes, root_days: int = ROOT_DAYS) -> tuple[str, Signed]:
        """Put a new key in the place of a public one; return its name and how far that is signed.

        Raises: CmaError 2 if the old one has no such role, or no key of the root is here.
        """
        trust = self.repository.trust()
        for release in self.repository.published():
            count_on(trust, release)
        roles = {each: self.role_of(trust.root, number) for number, each in enumerate(ROLES)}
        if old not in roles[ROLES[role]].keys:
            raise usage(f"That key has not the role {ROLES[role]}: see cma release keys.")
        if not set(self._here()) & {documents.key_id(key) for key in roles["root"].keys}:
            raise usage(f"{self.keys.folder} has no key of the role root: {_BRING_KEY}")
        version = trust.root.version + 1
        name = f"{ROLES[role]}-v{version}"
        fresh = self.keys.create(name, self.parameters)
        keys = tuple(fresh if key == old else key for key in roles[ROLES[role]].keys)
        roles[ROLES[role]] = replace(roles[ROLES[role]], keys=keys)
        expires_s = self.now_s + root_days * DAY_S
        # A thief of release keys may have made boards count up; other keys leave releases good.
        floor = trust if role == ROLE_RELEASE else trust.root
        root = RootDocument(version, expires_s, roles, floor.sequence, floor.security_counter)
        data, signed = self._signed_root(version, documents.envelope(root.to_bytes()))
        self.repository.write(self.repository.root_path(version), data)
        return name, signed

    def _signed_root(self, version: int, data: bytes) -> tuple[bytes, Signed]:
        """Return a root with the signatures that the one before it and itself ask for."""
        asking = [self.role_of(Root(Envelope(data).payload), ROLE_ROOT)]
        if version > 1:
            last = self.repository.read(self.repository.root_path(version - 1))
            asking.insert(0, self.role_of(Root(Envelope(last).payload), ROLE_ROOT))
        counts: list[Signed] = []
        for role, other in zip(asking, reversed(asking), strict=True):
            data, signed = self._signed(data, role, other)
            counts.append(signed)
        self._need_one(max(counts, key=lambda signed: signed.count))
        return data, min(counts, key=lambda signed: signed.count - signed.threshold)

    def _stamp(self, trust: Trust, release: Release, days: int) -> bytes:
        """Return a signed timestamp that names a release which boards then take.

        Raises: CmaError 4 if they would not.
        """
        version, now_s = trust.timestamp_version + 1, self.now_s
        if trust.root.expires_s < now_s:
            raise refused("The root has expired: renew it with cma release rotate.")
        # First, as a refusal takes no signature of the timestamp's key then.
        for part in release.all_parts:
            if not trust.root.is_signed(ROLE_RELEASE, Envelope(part.envelope), (sha256,)):
                raise refused(
                    f"Release {release.sequence} is not signed by enough keys: sign it with cma "
                    "release sign."
                )
        digests = [part.digest for part in release.all_parts]
        payload = documents.timestamp(version, now_s, now_s + days * DAY_S, digests)
        role = self.role_of(trust.root, ROLE_TIMESTAMP)
        stamp, signed = self._signed(documents.envelope(payload), role)
        if not signed.is_enough:
            raise refused(
                f"A timestamp takes {signed.threshold} keys, of which {signed.count} are here: "
                f"{_BRING_KEY}"
            )
        trust.on_timestamp(stamp, now_s)
        for part in release.parts:
            reason = answer(trust, part, now_s)
            if reason:
                raise refused(
                    f"Boards would refuse release {release.sequence} ({name_of(reason)}): make "
                    "it again with cma release create."
                )
        return stamp

    def _here(self) -> dict[bytes, str]:
        """Return the names of the keys that are here, by their ids."""
        return {documents.key_id(self.keys.public(name)): name for name in self.keys.names()}

    def _need_one(self, signed: Signed) -> None:
        """Refuse what no key of its role signed."""
        if not signed.count:
            raise usage(f"{self.keys.folder} has no key of that role: {_BRING_KEY}")

    def _signed(self, data: bytes, role: Role, others: Role = NOBODY) -> tuple[bytes, Signed]:
        """Return an envelope with as many signatures as a role asks for, by the keys here.

        Those of the role that were good stay, and what may be those of others.
        """
        payload, given = documents.open_envelope(data)
        message = documents.to_be_signed(payload)
        keys, here = {documents.key_id(key): key for key in role.keys}, self._here()
        good = {one for one, text in given if one in keys and verify(keys[one], message, text)}
        others_ids = {documents.key_id(key) for key in others.keys}
        kept = [(one, text) for one, text in given if one in good or one in others_ids]
        for one in keys:
            if len(good) < role.threshold and one not in good and one in here:
                kept.append((one, self.keys.sign(here[one], message)))
                good.add(one)
        return documents.envelope(payload, kept), Signed(len(good), role.threshold)


def answer(trust: Trust, part: Part, now_s: int) -> int:
    """Return why a board that lacks nothing else would refuse a part, 0 if it would not."""
    board = Board((part.manifest.class_id,), SLOT_BYTES, part.manifest.mpy)
    trust.sequence = max(trust.sequence, part.manifest.after)
    return trust.on_release(part.envelope, board, now_s)


def count_on(trust: Trust, release: Release) -> None:
    """Let a board's trust count a release as confirmed."""
    for part in release.parts:
        trust.on_confirmed(part.manifest)


def _key_names(role: str, count: int) -> list[str]:
    return [role] if count == 1 else [f"{role}-{number}" for number in range(1, count + 1)]
