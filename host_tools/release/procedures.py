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
    NUMBER_MAX,
    ROLE_RELEASE,
    ROLE_ROOT,
    ROLE_TIMESTAMP,
    ROLES,
    TIME_MAX_S,
    Root,
    Trust,
)
from cma_toolkit.host_tools.errors import CmaError, refused, usage
from cma_toolkit.host_tools.image.build import SLOT_BYTES
from cma_toolkit.host_tools.release import documents, room
from cma_toolkit.host_tools.release.artefact import Part, Release
from cma_toolkit.host_tools.release.documents import Role, RootDocument
from cma_toolkit.host_tools.release.key_folder import KeyFolder
from cma_toolkit.host_tools.release.lms_key import SHIPPED, ParameterSet
from cma_toolkit.host_tools.release.repository import TIMESTAMP, Repository, name_of

DAY_S = 86_400
ROOT_DAYS = 730
TIMESTAMP_DAYS = 30
COUNTED_FROM_S = 1_700_000_000  # by versions of timestamps: 30 bits of seconds end in 2057
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
        """Return the time.

        Raises: CmaError 2 for one that cannot be: boards would hold to it what is signed later.
        """
        now_s = int(self.clock())
        if not 0 < now_s - COUNTED_FROM_S <= NUMBER_MAX:
            raise usage(f"This computer's clock says that it is {_day(now_s)}: set it right.")
        return now_s

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
        room.check_counts(counts, self.parameters)
        expires_s = self._in_days(root_days)
        roles = {
            role: Role(
                counts[role][0],
                tuple(self.keys.create(name, self.parameters) for name in names[role]),
            )
            for role in ROLES
        }
        payload = RootDocument(1, expires_s, roles).to_bytes()
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

        A key that an earlier call made, and no root names, is taken: the power went in between, or
        the root that named it was lost, and boards that have it go on with this one.
        Raises: CmaError 2 if the old one has no such role, or no key of the root can sign here; 4
        if there is another key that no root names.
        """
        trust = self.repository.trust()
        for release in self.repository.published():
            count_on(trust, release)
        roles = {each: self.role_of(trust.root, number) for number, each in enumerate(ROLES)}
        if old not in roles[ROLES[role]].keys:
            raise usage(f"That key has not the role {ROLES[role]}: see cma release keys.")
        here = self._here()
        signers = [here[one] for one in map(documents.key_id, roles["root"].keys) if one in here]
        if all(self._is_used_up(name) for name in signers):
            raise usage(
                f"{self.keys.folder} has no key of the role root that can still sign: {_BRING_KEY}"
            )
        version, expires_s = trust.root.version + 1, self._in_days(root_days)
        name = f"{ROLES[role]}-v{version}"
        fresh = self._fresh(name)
        keys = tuple(fresh if key == old else key for key in roles[ROLES[role]].keys)
        roles[ROLES[role]] = replace(roles[ROLES[role]], keys=keys)
        # A thief of release keys may have made boards count up; other keys leave releases good.
        floor = trust if role == ROLE_RELEASE else trust.root
        root = RootDocument(version, expires_s, roles, floor.sequence, floor.security_counter)
        data, signed = self._signed_root(version, documents.envelope(root.to_bytes()))
        self.repository.write(self.repository.root_path(version), data)
        return name, signed

    def _fresh(self, name: str) -> bytes:
        """Return the public key of a new key, or of the one that was made for this and not used.

        Raises: CmaError 4 if another one was, 2 if the name is in use.
        """
        strays = self._strays()
        if strays and name not in strays:
            raise self._astray(strays[0])
        # It lay beside a key of the root: who could have stolen it has that one, too.
        return self.keys.public(name) if strays else self.keys.create(name, self.parameters)

    def _strays(self) -> list[str]:
        """Return the names of the keys here that no root names: it is missing, or was not made."""
        roots = [self.repository.root_path(version) for version in self.repository.roots()]
        named = {
            key
            for path in roots
            for _, keys in Root(Envelope(self.repository.read(path)).payload).roles
            for key in keys
        }
        return [name for name in self.keys.names() if self.keys.public(name) not in named]

    def _astray(self, name: str) -> CmaError:
        return refused(
            f"No root in {self.repository.folder} names {self.keys.folder}/{name}.key: put the "
            "root that does back there, say cma release rotate again if that was cut off, or move "
            "the key away."
        )

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

        Raises: CmaError 4 if they would not, 2 if this computer's clock cannot be right.
        """
        now_s, expires_s = self.now_s, self._in_days(days)
        # First all that takes no signature of the timestamp's key.
        self._refuse_unbelievable(trust, min(expires_s, trust.root.expires_s))
        room.check_release(trust.root, release)
        for part in release.all_parts:
            if not trust.root.is_signed(ROLE_RELEASE, Envelope(part.envelope), (sha256,)):
                raise refused(
                    f"Release {release.sequence} is not signed by enough keys: sign it with cma "
                    "release sign."
                )
        # Counted by the clock, what comes after a timestamp is later though that one was lost.
        version = max(trust.timestamp_version + 1, now_s - COUNTED_FROM_S)
        digests = [part.digest for part in release.all_parts]
        payload = documents.timestamp(version, now_s, expires_s, digests)
        role = self.role_of(trust.root, ROLE_TIMESTAMP)
        stamp, signed = self._signed(documents.envelope(payload), role)
        if not signed.is_enough:
            raise refused(
                f"A timestamp takes {signed.threshold} keys, of which {signed.count} are here: "
                f"{_BRING_KEY}"
            )
        reason = trust.on_timestamp(stamp, now_s)
        if reason:
            raise refused(
                f"Boards would refuse this timestamp ({name_of(reason)}): {self._other_key(trust)}"
            )
        for part in release.parts:
            reason = answer(trust, part, now_s)
            if reason:
                raise refused(
                    f"Boards would refuse release {release.sequence} ({name_of(reason)}): make "
                    "it again with cma release create."
                )
        return stamp

    def _refuse_unbelievable(self, trust: Trust, expires_s: int) -> None:
        """Refuse to say anything by keys, or at a time, that boards would not believe.

        Raises: CmaError 4.
        """
        strays = self._strays()
        if strays:
            raise self._astray(strays[0])
        if trust.root.expires_s < self.now_s:
            raise refused(
                f"The root expired on {_day(trust.root.expires_s)}: renew it with cma release "
                f"rotate, or set this computer's clock if it is not {_day(self.now_s)}."
            )
        if expires_s < trust.time_s:
            raise refused(
                f"The last timestamp says that it was made on {_day(trust.time_s)}, so that "
                f"boards which have it refuse one that ends on {_day(expires_s)}: set this "
                f"computer's clock if it is not {_day(self.now_s)}; if it is, "
                f"{self._other_key(trust)}"
            )

    def _other_key(self, trust: Trust) -> str:
        """Return how to have boards forget all that was said of what is current, and when."""
        key = documents.key_id(trust.root.roles[ROLE_TIMESTAMP][1][0])
        name = self._here().get(key, key.hex())
        return (
            f"let boards begin anew with cma release rotate timestamp {name}, then say this again."
        )

    def _in_days(self, days: int) -> int:
        """Return when so many days are over.

        Raises: CmaError 2 for more than boards can count.
        """
        now_s = self.now_s
        days_max = (TIME_MAX_S - now_s) // DAY_S
        if days > days_max:
            raise usage(
                f"Boards count time until {_day(TIME_MAX_S)}: give {days_max} at most with --days."
            )
        return now_s + days * DAY_S

    def _here(self) -> dict[bytes, str]:
        """Return the names of the keys that are here, by their ids."""
        return {documents.key_id(self.keys.public(name)): name for name in self.keys.names()}

    def _is_used_up(self, name: str) -> bool:
        """Tell whether a key can sign no more, as far as this computer knows."""
        try:
            return not self.keys.left(name)
        except CmaError:
            return True

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
        able = [one for one in keys if one not in good and one in here]
        if len(good) < role.threshold:
            # What is used up is asked where no other can sign, to say so.
            able.sort(key=lambda one: self._is_used_up(here[one]))
        for one in able[: max(0, role.threshold - len(good))]:
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


def _day(time_s: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time_s))


def _key_names(role: str, count: int) -> list[str]:
    return [role] if count == 1 else [f"{role}-{number}" for number in range(1, count + 1)]
