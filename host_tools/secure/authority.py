"""A fleet's authority: the Ed25519 key that certifies boards, and those that it followed.

It lies in one file that its owner alone may read. It signs and tells its public half; nothing
prints or returns the private one.
"""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cma_toolkit.firmware.kernel.secure.certificate import EPOCH_MAX
from cma_toolkit.host_tools.errors import CmaError, refused, usage
from cma_toolkit.host_tools.release.disk import Disk, replace
from cma_toolkit.host_tools.secure.pyca import PycaCrypto

FOLDER = "keys"
FILE, LOCK, GITIGNORE = "fleet.authority", ".authority.lock", ".gitignore"
_KEY_BYTES = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Facts:
    """What anybody may know of an authority.

    Shape: `former` are the public keys that it followed, the latest last, `successions` the
    signed word of each that it did.
    """

    public: bytes
    epoch: int = 0
    former: tuple[bytes, ...] = ()
    successions: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class _State:
    private: bytes
    facts: Facts


class Authority:
    """The authority of the project in a folder."""

    def __init__(
        self,
        project: Path,
        disk: Disk | None = None,
        draw: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._folder = project / FOLDER
        self._path = self._folder / FILE
        self._disk = disk or Disk()
        self._draw = draw
        self._crypto = PycaCrypto()

    @property
    def path(self) -> Path:
        """Return where it lies."""
        return self._path

    def exists(self) -> bool:
        """Return whether it was made."""
        return self._path.exists()

    def create(self) -> Facts:
        """Make the key.

        Raises: CmaError 2 if there is one.
        """
        with self._disk.locked(self._folder / LOCK):
            if self.exists():
                raise usage(
                    f"{self._path} is this fleet's authority already: to change its key, run "
                    "cma authority rotate."
                )
            private = self._draw(_KEY_BYTES)
            facts = Facts(self._crypto.signer_of(private))
            replace(self._disk, self._folder / GITIGNORE, b"*\n")  # no key into anybody's git
            self._save(_State(private, facts))
        return facts

    def facts(self) -> Facts:
        """Return what anybody may know.

        Raises: CmaError 2 if there is none, 4 if its file is damaged or others may read it.
        """
        return self._load().facts

    def sign(self, message: bytes) -> bytes:
        """Return a signature.

        Raises: as `facts`.
        """
        return self._crypto.sign(self._load().private, message)

    def raise_epoch(self) -> Facts:
        """Begin a new epoch; the certificates of those before count until a list says otherwise.

        Raises: as `facts`, and CmaError 4 after the last one.
        """
        with self._disk.locked(self._folder / LOCK):
            state = self._load()
            if state.facts.epoch == EPOCH_MAX:
                raise refused(
                    f"This authority has had its {EPOCH_MAX} epochs: move {self._path} away, and "
                    "enrol all boards anew with cma provision --all --replace."
                )
            old = state.facts
            facts = Facts(old.public, old.epoch + 1, old.former, old.successions)
            self._save(_State(state.private, facts))
        return facts

    def rotate(self, succession: Callable[[bytes, Callable[[bytes], bytes]], bytes]) -> Facts:
        """Put a new key in the place of this one, which certifies it as its last act.

        Shape: `succession(public, sign)` returns the signed word that names the next key.
        Raises: as `raise_epoch`; the new key begins a new epoch.
        """
        facts = self.raise_epoch()
        with self._disk.locked(self._folder / LOCK):
            state = self._load()
            private = self._draw(_KEY_BYTES)
            public = self._crypto.signer_of(private)
            word = succession(public, lambda message: self._crypto.sign(state.private, message))
            facts = Facts(
                public,
                facts.epoch,
                (*facts.former, facts.public),
                (*facts.successions, word),
            )
            self._save(_State(private, facts))
        return facts

    def _load(self) -> _State:
        data = self._disk.read(self._path)
        if data is None:
            raise usage("This fleet has no authority yet: make it with cma authority create.")
        if os.name != "nt" and stat.S_IMODE(self._path.stat().st_mode) & _OTHERS:
            raise refused(
                f"{self._path} may be read by others on this computer. Run: chmod 600 {self._path}"
            )
        try:
            return _state(json.loads(data))
        except (KeyError, TypeError, ValueError):
            raise self._damaged() from None

    def _save(self, state: _State) -> None:
        facts = state.facts
        fields = {
            "private": state.private.hex(),
            "public": facts.public.hex(),
            "epoch": facts.epoch,
            "former": [public.hex() for public in facts.former],
            "successions": [word.hex() for word in facts.successions],
        }
        replace(self._disk, self._path, (json.dumps(fields, indent=1) + "\n").encode())

    def _damaged(self) -> CmaError:
        return refused(f"{self._path} is damaged: put it back from your backup of this folder.")


def _state(fields: dict[str, Any]) -> _State:
    private = bytes.fromhex(fields["private"])
    facts = Facts(
        bytes.fromhex(fields["public"]),
        int(fields["epoch"]),
        tuple(map(bytes.fromhex, fields["former"])),
        tuple(map(bytes.fromhex, fields["successions"])),
    )
    if len(private) != _KEY_BYTES or PycaCrypto().signer_of(private) != facts.public:
        raise ValueError
    return _State(private, facts)
