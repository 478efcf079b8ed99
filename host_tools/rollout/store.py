"""Roll-outs in the fleet database. One at a time is open: running, paused or halted."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, astuple, fields, replace
from pathlib import Path
from typing import Any

from cma_toolkit.host_tools.errors import refused
from cma_toolkit.host_tools.fleet.database import BoardRecord, Database
from cma_toolkit.host_tools.release.artefact import Release
from cma_toolkit.host_tools.rollout.decide import Change
from cma_toolkit.host_tools.rollout.records import (
    OPEN_STATES,
    Member,
    Prediction,
    Rollout,
    Run,
    Terms,
)

_MEMBER_KEYS = [field.name for field in fields(Member)]
_SET = ", ".join(f"{key} = ?" for key in _MEMBER_KEYS)
_OPEN = ", ".join(f"'{state}'" for state in OPEN_STATES)


class Store:
    """The roll-outs of a fleet.

    Raises: CmaError 4, from every method, as the database does.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._begun = 0

    def newest(self, number: int = 0) -> Rollout | None:
        """Return the roll-out of that number, 0: the one that began last."""
        rows = self.database.read(
            "SELECT * FROM rollouts WHERE ? IN (0, id) ORDER BY id DESC LIMIT 1", number
        )
        return _rollout(rows[0]) if rows else None

    def members(self, rollout: Rollout) -> list[Member]:
        """Return the boards of a roll-out, in the order of its waves."""
        rows = self.database.read(
            f"SELECT {', '.join(_MEMBER_KEYS)} FROM rollout_boards WHERE rollout = ?"
            " ORDER BY wave, name, mac",
            rollout.id,
        )
        return [Member(*row) for row in rows]

    def batteries(self) -> dict[str, int]:
        """Return the millivolts that boards told in their last roll-out, by MAC address."""
        rows = self.database.read(
            "SELECT mac, battery_mv FROM rollout_boards WHERE battery_mv > 0 ORDER BY rollout"
        )
        return {row["mac"]: row["battery_mv"] for row in rows}

    def steps(self, rollout: Rollout) -> list[tuple[int, str, str]]:
        """Return what was done: instants, MAC addresses or "", and what."""
        rows = self.database.read(
            "SELECT at_s, mac, what FROM rollout_steps WHERE rollout = ? ORDER BY id", rollout.id
        )
        return [(row["at_s"], row["mac"], row["what"]) for row in rows]

    def version(self) -> tuple[int, int]:
        """Return what changes when another process writes, or a roll-out begins here."""
        return int(self.database.read("PRAGMA data_version")[0][0]), self._begun

    def begin(self, rollout: Rollout, waves: Sequence[Sequence[BoardRecord]]) -> Rollout:
        """Write a new roll-out and its boards; return it with its number.

        Raises: CmaError 4 if another is open.
        """
        with self.database.transaction() as db:
            found = db.execute(f"SELECT * FROM rollouts WHERE state IN ({_OPEN})").fetchone()
            if found is not None:
                other = _rollout(found)
                raise refused(
                    f"The roll-out of {other.name} {other.sequence} is {other.state}: let it end, "
                    "or end it with cma rollout abort."
                )
            last = db.execute("SELECT coalesce(max(generation), 0) FROM rollouts").fetchone()[0]
            rollout = replace(rollout, generation=last)
            plain = _plain(rollout)
            del plain["id"]
            names, marks = ", ".join(plain), ", ".join("?" for _ in plain)
            cursor = db.execute(
                f"INSERT INTO rollouts ({names}) VALUES ({marks})", tuple(plain.values())
            )
            number = int(cursor.lastrowid or 0)
            members = [
                Member(board.mac, board.name, board.board or board.chip, wave)
                for wave, boards in enumerate(waves)
                for board in boards
            ]
            marks = ", ".join("?" for _ in range(len(_MEMBER_KEYS) + 1))
            db.executemany(
                f"INSERT INTO rollout_boards ({', '.join(_MEMBER_KEYS)}, rollout)"
                f" VALUES ({marks})",
                [(*astuple(member), number) for member in members],
            )
            _add_steps(db, number, rollout.started_at_s, [("", "started")])
        self._begun += 1
        return replace(rollout, id=number)

    def predict(self, prediction: Prediction) -> None:
        """Keep what a rehearsal said."""
        runs = json.dumps([astuple(run) for run in prediction.runs])
        with self.database.transaction() as db:
            db.execute(
                "INSERT INTO rollout_predictions (digest, at_s, boards, runs) VALUES (?, ?, ?, ?)",
                (prediction.digest, prediction.at_s, prediction.boards, runs),
            )

    def prediction(self, digest: str) -> Prediction | None:
        """Return what the last rehearsal of a release said."""
        rows = self.database.read(
            "SELECT digest, at_s, boards, runs FROM rollout_predictions WHERE digest = ?"
            " ORDER BY id DESC LIMIT 1",
            digest,
        )
        if not rows:
            return None
        plain = dict(rows[0])
        runs = [Run(*run) for run in json.loads(plain.pop("runs"))]
        told = [
            replace(run, lacking=tuple((name, why) for name, why in run.lacking)) for run in runs
        ]
        return Prediction(**plain, runs=tuple(told))

    def write(self, db: sqlite3.Connection, change: Change, now_s: int) -> None:
        """Write what changed, within a transaction of the database."""
        plain, number = _plain(change.rollout), change.rollout.id
        keys = ", ".join(f"{key} = ?" for key in plain)
        db.execute(f"UPDATE rollouts SET {keys} WHERE id = ?", (*plain.values(), number))
        db.executemany(
            f"UPDATE rollout_boards SET {_SET} WHERE rollout = ? AND mac = ?",
            [(*astuple(member), number, member.mac) for member in change.members],
        )
        _add_steps(db, number, now_s, change.steps)


def refuse_other(path: Path, release: Release) -> None:
    """Refuse a release to publish while a roll-out of another is open in the database at a path.

    Boards take what the newest timestamp names: what the roll-out brings would reach none.
    Raises: CmaError 4.
    """
    if not path.is_file():  # who signs elsewhere has no fleet, and gets none by publishing
        return
    with Database(path) as database:
        rollout = Store(database).newest()
    if rollout and rollout.state in OPEN_STATES and rollout.digest != release.digest:
        raise refused(
            f"The roll-out of {rollout.name} {rollout.sequence} is {rollout.state}, and boards "
            f"would take that no more once {release.name} {release.sequence} is current: let it "
            "end, or end it with cma rollout abort."
        )


def _add_steps(
    db: sqlite3.Connection, number: int, now_s: int, steps: Sequence[tuple[str, str]]
) -> None:
    db.executemany(
        "INSERT INTO rollout_steps (rollout, at_s, mac, what) VALUES (?, ?, ?, ?)",
        [(number, now_s, mac, what) for mac, what in steps],
    )


def _plain(rollout: Rollout) -> dict[str, Any]:
    return {**asdict(rollout), "terms": json.dumps(asdict(rollout.terms))}


def _rollout(row: sqlite3.Row) -> Rollout:
    plain: dict[str, Any] = dict(row)
    terms = json.loads(plain.pop("terms"))
    return Rollout(**plain, terms=Terms(**{**terms, "windows": tuple(terms["windows"])}))
