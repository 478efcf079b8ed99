"""Signing keys in a folder: no leaf signs twice, whenever the power goes and whoever copies what.

A key is two files: `NAME.key`, the secret, never written again, and `NAME.leaves`, which leaves
are free. This computer keeps a second list of them, apart from the folder. A leaf is taken from
both lists, and both are on the disk, before anything is signed. Free is only what is in both: a
folder that came back as it was before signs with no leaf that it used since, and one that was
copied from another computer signs nothing at all. A backup has leaves of its own, which the folder
gives away for good; it is put back once, on one computer.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cma_toolkit.host_tools.errors import CmaError, refused, usage
from cma_toolkit.host_tools.release import leaves, lms_key
from cma_toolkit.host_tools.release.disk import Disk, replace
from cma_toolkit.host_tools.release.documents import key_id
from cma_toolkit.host_tools.release.lms_key import ParameterSet, PrivateKey

KEY_SUFFIX, LEAVES_SUFFIX, LOCK, COMPUTER = ".key", ".leaves", ".lock", "computer"
IDENTIFIER_BYTES = 8  # of a backup and of a computer
GITIGNORE = ".gitignore"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")

Taken = TypeVar("Taken")


@dataclass(frozen=True)
class _Key:
    private: PrivateKey
    public: bytes


@dataclass(frozen=True)
class _State:
    """One list of free leaves, and the backups that were put back into it."""

    free: leaves.Ranges
    restored: tuple[str, ...] = ()


class KeyFolder:
    """The keys below one folder, and this computer's own list of their leaves in another."""

    def __init__(
        self,
        folder: Path,
        marks: Path,
        disk: Disk | None = None,
        draw: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.folder = folder
        self._marks = marks
        self._disk = disk or Disk()
        self._draw = draw

    def names(self) -> list[str]:
        """Return the names of the keys."""
        paths = self._disk.files(self.folder)
        return sorted(path.stem for path in paths if path.suffix == KEY_SUFFIX)

    def create(self, name: str, parameters: ParameterSet = lms_key.SHIPPED) -> bytes:
        """Make a key and return its public key.

        Raises: CmaError 2 if there is one of that name.
        """
        _check_name(name)
        private = lms_key.generate(parameters, self._draw)
        key = _Key(private, lms_key.public_key(private))
        with self._alone():
            if self._disk.read(self._key_path(name)) is not None:
                raise usage(f"{self._key_path(name)} exists already: move it away first.")
            replace(self._disk, self.folder / GITIGNORE, b"*\n")  # no key into anybody's git
            for place in self._places(name, key):
                self._save(place, _State(((0, 1 << parameters.height),)))
            replace(self._disk, self._key_path(name), _key_text(key))
        return key.public

    def public(self, name: str) -> bytes:
        """Return a public key.

        Raises: CmaError 2 if there is none, 4 if its file is damaged.
        """
        return self._load_key(name).public

    def seeds(self) -> dict[str, bytes]:
        """Return the secret of each key, by its name: to be looked for, never to be shown."""
        return {name: self._load_key(name).private.seed for name in self.names()}

    def left(self, name: str) -> int:
        """Return how many signatures a key has left."""
        return leaves.count(self._load(name, self._load_key(name))[0])

    def sign(self, name: str, message: bytes) -> bytes:
        """Return a signature of a message; its leaf is gone before it is made.

        Raises: CmaError 2 if there is no such key, 4 if it has no leaf left or is damaged.
        """
        key = self._load_key(name)
        with self._alone():
            if not self._load(name, key)[0]:
                raise refused(
                    f"The key {name} has no signature left: take a new one with cma release "
                    "rotate."
                )
            leaf = self._take(name, key, leaves.take_first)
        randomizer = self._draw(key.private.parameters.hash_bytes)
        return lms_key.sign(key.private, leaf, message, randomizer)

    def backup(self, name: str, count: int, path: Path) -> int:
        """Write a key and leaves of its own to a file; return how many leaves went there.

        Raises: CmaError 2 if the file exists or the folder has not so many leaves.
        """
        key = self._load_key(name)
        with self._alone():
            if self._disk.read(path) is not None:
                raise usage(f"{path} exists: name another file.")
            left = leaves.count(self._load(name, key)[0])
            if not 0 < count < left:
                raise usage(
                    f"The key {name} has {left} signatures left: give fewer of them away with "
                    "--signatures."
                )
            taken = self._take(name, key, lambda free: leaves.take_last(free, count))
            others = {"name": name, "backup": self._draw(IDENTIFIER_BYTES).hex(), "free": taken}
            replace(self._disk, path, _key_text(key, others))
        return leaves.count(taken)

    def restore(self, path: Path) -> tuple[str, int]:
        """Put a key back from its backup, which is used up by it; return its name and leaves.

        Cut off in between, it is done again with the same file, on this computer only.
        Raises: CmaError 2 for no backup, or one that was put back already.
        """
        fields = _fields(self._disk.read(path), path)
        if "backup" not in fields:
            raise usage(f"{path} is no backup of a key, or one that was put back: name another.")
        key, name, given = _key(fields, path), str(fields["name"]), _ranges(fields["free"])
        _check_name(name)
        with self._alone():
            is_begun = "computer" in fields
            if fields.setdefault("computer", self._computer()) != self._computer():
                raise usage(f"{path} was put back on another computer: name another backup.")
            if name in self.names() and self._load_key(name).public != key.public:
                raise usage(f"{self._key_path(name)} is another key: move it away first.")
            places = self._places(name, key)
            states = [self._read_state(place) or _State(()) for place in places]
            if not is_begun and all(fields["backup"] in state.restored for state in states):
                raise usage(f"{path} was put back on this computer before: name another backup.")
            replace(self._disk, path, _text(fields))  # no other computer may now
            replace(self._disk, self._key_path(name), _key_text(key))
            for place, state in zip(places, states, strict=True):
                self._save(place, _with_backup(state, fields["backup"], given))
            replace(self._disk, path, _text({"name": name, "put back": True}))
            return name, leaves.count(self._load(name, key)[0])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes out of this folder, and out of the list that its copies share."""
        with self._disk.locked(self.folder / LOCK), self._disk.locked(self._marks / LOCK):
            yield

    def _computer(self) -> str:
        """Return by what this computer tells itself from others."""
        path = self._marks / COMPUTER
        data = self._disk.read(path)
        if data is None:
            data = self._draw(IDENTIFIER_BYTES).hex().encode()
            replace(self._disk, path, data)
        return data.decode()

    def _key_path(self, name: str) -> Path:
        return self.folder / (name + KEY_SUFFIX)

    def _places(self, name: str, key: _Key) -> tuple[Path, Path]:
        """Return where the two lists of free leaves are, the folder's first."""
        own = self._marks / (key_id(key.public).hex() + LEAVES_SUFFIX)
        return self.folder / (name + LEAVES_SUFFIX), own

    def _load_key(self, name: str) -> _Key:
        path = self._key_path(name)
        data = self._disk.read(path)
        if data is None:
            known = ", ".join(self.names()) or "none"
            raise usage(f"There is no key {name} in {self.folder}: there are {known}.")
        return _key(_fields(data, path), path)

    def _load(self, name: str, key: _Key) -> tuple[leaves.Ranges, list[_State]]:
        """Return the free leaves, and what each of the two lists says."""
        states = []
        for place in self._places(name, key):
            state = self._read_state(place)
            if state is None:
                raise refused(
                    f"{place} is missing, so that nobody here knows what {name} signed: put a "
                    "backup back with cma release restore, or take a new key with cma release "
                    "rotate."
                )
            states.append(state)
        return leaves.common(states[0].free, states[1].free), states

    def _take(
        self, name: str, key: _Key, take: Callable[[leaves.Ranges], tuple[Taken, leaves.Ranges]]
    ) -> Taken:
        """Return what is taken of the free leaves, once both lists are without it."""
        free, states = self._load(name, key)
        taken, free = take(free)
        for place, state in zip(self._places(name, key), states, strict=True):
            self._save(place, _State(free, state.restored))
        return taken

    def _read_state(self, path: Path) -> _State | None:
        data = self._disk.read(path)
        if data is None:
            return None
        fields = _fields(data, path)
        try:
            return _State(_ranges(fields["free"]), tuple(map(str, fields["restored"])))
        except (KeyError, TypeError, ValueError):
            raise _damaged(path) from None

    def _save(self, place: Path, state: _State) -> None:
        replace(self._disk, place, _text({"free": state.free, "restored": state.restored}))


def _with_backup(state: _State, backup: str, given: leaves.Ranges) -> _State:
    """Return a list with a backup's leaves: once only, as some may be used since."""
    if backup in state.restored:
        return state
    return _State(leaves.joined(state.free, given), (*state.restored, backup))


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise usage(f'"{name}" is no name for a key: take letters, digits and hyphens.')


def _key_text(key: _Key, others: dict[str, Any] | None = None) -> bytes:
    parameters = key.private.parameters
    fields = {
        "lms": parameters.lms_type,
        "ots": parameters.ots_type,
        "identifier": key.private.identifier.hex(),
        "seed": key.private.seed.hex(),
        "public": key.public.hex(),
    }
    return _text({**fields, **(others or {})})


def _text(fields: dict[str, Any]) -> bytes:
    return (json.dumps(fields, indent=1) + "\n").encode()


def _fields(data: bytes | None, path: Path) -> dict[str, Any]:
    if data is None:
        raise usage(f"There is no {path}: name the file of a backup.")
    try:
        fields = json.loads(data)
    except ValueError:
        raise _damaged(path) from None
    if not isinstance(fields, dict):
        raise _damaged(path)
    return fields


def _key(fields: dict[str, Any], path: Path) -> _Key:
    try:
        parameters = ParameterSet(int(fields["lms"]), int(fields["ots"]))
        identifier, seed = bytes.fromhex(fields["identifier"]), bytes.fromhex(fields["seed"])
        public = bytes.fromhex(fields["public"])
    except (KeyError, TypeError, ValueError):
        raise _damaged(path) from None
    return _Key(PrivateKey(parameters, identifier, seed), public)


def _ranges(value: Any) -> leaves.Ranges:
    return leaves.joined(tuple((int(start), int(end)) for start, end in value), ())


def _damaged(path: Path) -> CmaError:
    return refused(f"{path} is damaged: put a backup back with cma release restore.")
