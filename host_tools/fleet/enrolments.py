"""What the fleet database has of identities: which key is whose, and which counts no more.

It holds public halves and certificates only. A certificate is here before its board has it, so
that whoever goes on after an unplugged cable knows what was promised.
"""

import sqlite3
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime

from cma_toolkit.host_tools.fleet.database import Database

STARTED, DONE, REVOKED = "started", "done", "revoked"


@dataclass(frozen=True)
class Enrolment:
    """One board's keys and certificate.

    Shape: `public` its X25519 key, `signer` its Ed25519 key; `state` STARTED, DONE or REVOKED.
    Units: `expires_s` since 1970; `changed_at` is UTC, ISO 8601.
    """

    mac: str
    node: int
    network: int
    roles: int
    epoch: int
    expires_s: int
    public: bytes
    signer: bytes
    certificate: bytes
    state: str = STARTED
    why: str = ""
    changed_at: str = ""

    @property
    def is_live(self) -> bool:
        """Return whether its certificate counts."""
        return self.state != REVOKED


@dataclass(frozen=True)
class Revocation:
    """A key that counts no more, of a certificate of an epoch."""

    signer: bytes
    mac: str
    epoch: int
    why: str
    at: str


_NAMES = [field.name for field in fields(Enrolment)]
_MARKS = ", ".join("?" for _ in _NAMES)


class Enrolments:
    """The identities of a fleet.

    Raises: CmaError 4, from every method, as the database does.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Enrolment]:
        """Return every board that was ever enrolled, by address."""
        rows = self._database.read(f"SELECT {', '.join(_NAMES)} FROM enrolments ORDER BY mac")
        return [Enrolment(*row) for row in rows]

    def by_mac(self, mac: str) -> Enrolment | None:
        """Return what a board was enrolled with, None if it was not."""
        return next((one for one in self.all() if one.mac == mac), None)

    def start(self, enrolment: Enrolment) -> None:
        """Note what a board will have; the key that it had before, if another, is revoked."""
        with self._database.transaction() as db:
            query = "SELECT signer, epoch, state FROM enrolments WHERE mac = ?"
            before = db.execute(query, (enrolment.mac,)).fetchone()
            if before and before["signer"] != enrolment.signer and before["state"] != REVOKED:
                _revoke(db, enrolment.mac, before, "replaced")
            values = (*astuple(enrolment)[:-1], _now())
            db.execute(f"INSERT OR REPLACE INTO enrolments VALUES ({_MARKS})", values)

    def finish(self, mac: str) -> None:
        """Note that a board has what was started, read back and found equal."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE enrolments SET state = 'done', changed_at = ?"
                " WHERE mac = ? AND state = 'started'",
                (_now(), mac),
            )

    def revoke(self, mac: str, why: str) -> bool:
        """Let a board's certificate count no more; False if it had none that did."""
        with self._database.transaction() as db:
            query = "SELECT signer, epoch, state FROM enrolments WHERE mac = ?"
            held = db.execute(query, (mac,)).fetchone()
            if held is None or held["state"] == REVOKED:
                return False
            _revoke(db, mac, held, why)
            db.execute(
                "UPDATE enrolments SET state = 'revoked', why = ?, changed_at = ? WHERE mac = ?",
                (why, _now(), mac),
            )
            return True

    def revocations(self) -> list[Revocation]:
        """Return the keys that count no more, the oldest first."""
        rows = self._database.read("SELECT * FROM revocations ORDER BY at, signer")
        return [Revocation(**dict(row)) for row in rows]

    def statement(self, network: int) -> tuple[int, bytes]:
        """Return the number of the newest list of a network, and the list; 0 and b"" if none."""
        rows = self._database.read(
            "SELECT number, document FROM statements WHERE network = ?", network
        )
        return (rows[0]["number"], rows[0]["document"]) if rows else (0, b"")

    def publish(self, network: int, number: int, document: bytes) -> None:
        """Keep a list in place of an older one."""
        with self._database.transaction() as db:
            db.execute(
                "INSERT INTO statements VALUES (?, ?, ?) ON CONFLICT (network) DO UPDATE SET"
                " number = excluded.number, document = excluded.document"
                " WHERE excluded.number > number",
                (network, number, document),
            )


def _revoke(db: sqlite3.Connection, mac: str, held: sqlite3.Row, why: str) -> None:
    db.execute(
        "INSERT OR IGNORE INTO revocations VALUES (?, ?, ?, ?, ?)",
        (held["signer"], mac, held["epoch"], why, _now()),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
