"""Enrol boards: have them make keys, certify these, and hand the list of revocations on.

What is decided is in `enrolment`; here it meets the fleet database and the authority.
"""

import os
import time
from dataclasses import dataclass
from typing import Any

from cma_toolkit.firmware.kernel.secure.certificate import thumbprint_of
from cma_toolkit.firmware.kernel.secure.revocation import REVOKED_MAX
from cma_toolkit.host_tools.errors import refused, verify_failed
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.enrolments import Enrolment, Enrolments
from cma_toolkit.host_tools.fleet.inventory import Row
from cma_toolkit.host_tools.fleet.project import Project
from cma_toolkit.host_tools.ports.reply import damaged
from cma_toolkit.host_tools.provision.actual import Actual
from cma_toolkit.host_tools.provision.enrolment import (
    Keys,
    Step,
    Wanted,
    next_step,
    replacement,
    wanted,
)
from cma_toolkit.host_tools.provision.plan import Change
from cma_toolkit.host_tools.secure import certificates, statements
from cma_toolkit.host_tools.secure.authority import Authority, Facts
from cma_toolkit.host_tools.secure.possession import Question, ask

TOO_MANY = (
    f"{REVOKED_MAX} keys are revoked, and boards hold no more: begin a new epoch with "
    "cma enrolment renew, then run cma provision --all."
)


@dataclass(frozen=True)
class Certified:
    """What a board is to keep."""

    signer: bytes
    authority: bytes
    certificate: bytes


class Enroller:
    """The authority of one project, and what the fleet database has of its boards."""

    def __init__(self, project: Project, database: Database, *, replace: bool = False) -> None:
        self.records = Enrolments(database)
        self.authority = Authority(project.folder)
        self._fleet = project.fleet
        self._replace = replace
        self._questions: dict[str, Question] = {}
        self._certified: dict[str, Certified] = {}

    def next_step(self, row: Row, actual: Actual) -> Step | None:
        """Return what a board lacks.

        Raises: CmaError 4 or 8, as `enrolment.next_step`.
        """
        wish = self._wanted(row, actual.mac)
        records = self.records.all()
        if self._replace:
            self.check_room(actual.mac)
            return replacement(actual.kept, records, wish)
        facts = self.authority.facts() if self.authority.exists() else None
        return next_step(actual.kept, records, wish, facts, int(time.time()))

    def lacks_list(self, actual: Actual) -> bool:
        """Tell whether a board has another list of revocations than the newest."""
        number, document = self.records.statement(self._fleet.network)
        return self._is_outdated() or bool(number and actual.kept.orders != document)

    @property
    def is_overfull(self) -> bool:
        """Tell whether more keys are void than a list holds: the newest are on none."""
        return len(self._void()[1]) > REVOKED_MAX

    def question(self, actual: Actual) -> dict[str, str]:
        """Return what a board is to prove its keys with."""
        asked = ask(bytes.fromhex(actual.mac.replace(":", "")), os.urandom)
        self._questions[actual.mac] = asked
        return {"nonce": asked.nonce.hex(), "ephemeral": asked.ephemeral.hex()}

    def certify(self, row: Row, actual: Actual, answer: dict[str, Any]) -> None:
        """Certify the keys that a board proved; it is on record before the board has it.

        Raises: CmaError 5 for a proof that is none, 4 for keys of another board.
        """
        try:
            public, signer, signature, code = map(bytes.fromhex, answer["proof"])
        except (LookupError, TypeError, ValueError) as error:
            raise damaged() from error
        if not self._questions.pop(actual.mac).is_answered(public, signer, signature, code):
            raise verify_failed(
                f"{actual.mac} did not prove that it has its keys. Check its cable, then run this "
                "again."
            )
        if any(one.signer == signer and one.mac != actual.mac for one in self.records.all()):
            raise refused(f"{actual.mac} has another board's keys. Run with --replace.")
        facts, wish = self.make_authority(), self._wanted(row, actual.mac)
        expires_s = int(time.time()) + wish.valid_s
        said = (wish.node, wish.network, wish.roles, facts.epoch, thumbprint_of(signer))
        certificate = certificates.certify(said, public, expires_s, self.authority.sign)
        self.records.start(
            Enrolment(
                mac=actual.mac,
                node=wish.node,
                network=wish.network,
                roles=wish.roles,
                epoch=facts.epoch,
                expires_s=expires_s,
                public=public,
                signer=signer,
                certificate=certificate,
            )
        )
        self._certified[actual.mac] = Certified(signer, facts.public, certificate)

    def make_authority(self) -> Facts:
        """Return the facts of the authority, which is made at its first use.

        Raises: CmaError 4 if boards are enrolled already, but not by anybody who is here.
        """
        if self.authority.exists():
            return self.authority.facts()
        if any(one.is_live for one in self.records.all()):
            raise refused(
                f"{self.authority.path} is missing, and boards are enrolled by it: put it back "
                "from your backup, or make another with cma authority create, then run cma "
                "provision --all."
            )
        return self.authority.create()

    def to_keep(self, actual: Actual) -> dict[str, str]:
        """Return what a board is to keep, in hexadecimal; empty values for what it has."""
        given = self._certified.get(actual.mac, Certified(b"", b"", b""))
        orders = self.newest_list()
        fields = {
            "signer": given.signer,
            "authority": given.authority,
            "certificate": given.certificate,
            "orders": b"" if orders == actual.kept.orders else orders,
        }
        return {name: value.hex() for name, value in fields.items()}

    def expected(self, actual: Actual) -> dict[str, str]:
        """Return what a board is to tell of itself afterwards."""
        given = self._certified.get(actual.mac)
        kept = actual.kept
        return {
            "signer": (given.signer if given else kept.signer).hex(),
            "authority": (given.authority if given else kept.authority).hex(),
            "certificate": (given.certificate if given else kept.certificate).hex(),
            "orders": (self.newest_list() or kept.orders).hex(),
        }

    def finish(self, actual: Actual) -> None:
        """Note that a board has what it was to keep."""
        if self._certified.pop(actual.mac, None):
            self.records.finish(actual.mac)

    def check_room(self, mac: str) -> None:
        """Refuse to revoke a board's key if a list would not hold it, too.

        Raises: CmaError 4.
        """
        if len(self._void(mac)[1]) > REVOKED_MAX:
            raise refused(TOO_MANY)

    def newest_list(self) -> bytes:
        """Return the list of revocations, signed anew if it changed; b"" as long as it is empty.

        What it does not hold any more waits for the next epoch: no board is kept from its
        certificate for it, as that is how an epoch comes to its end.
        """
        network = self._fleet.network
        last, document = self.records.statement(network)
        if not self._is_outdated():
            return document
        epoch, signers = self._void()
        number = statements.next_number(last, self.authority.facts().successions, int(time.time()))
        sign = self.authority.sign
        document = statements.list_revoked(network, number, epoch, signers, sign)
        self.records.publish(network, number, document)
        return document

    def _is_outdated(self) -> bool:
        _, document = self.records.statement(self._fleet.network)
        epoch, signers = self._void()
        return len(signers) <= REVOKED_MAX and not statements.says(document, epoch, signers)

    def _void(self, mac: str = "") -> tuple[int, list[bytes]]:
        """Return the least epoch that counts, and the keys of it and later that do not.

        With `mac`, as it would be if that board's key were void, too.
        """
        live = [one for one in self.records.all() if one.is_live]
        gone = [(one.signer, one.epoch) for one in live if one.mac == mac]
        gone += [(one.signer, one.epoch) for one in self.records.revocations()]
        _, document = self.records.statement(self._fleet.network)
        least = min((one.epoch for one in live if one.mac != mac), default=0)
        epoch = max(statements.epoch_of(document), least)
        return epoch, [signer for signer, of_epoch in gone if of_epoch >= epoch]

    def _wanted(self, row: Row, mac: str) -> Wanted:
        return wanted(row, mac, self._fleet.network, self._fleet.enrolment.valid_days)


def change(step: Step) -> Change:
    """Return what a step changes, for a person."""
    after = "certificate of new keys" if step.keys is Keys.ANEW else "certificate"
    return Change("identity", step.before, f"{after} ({step.why})" if step.why else after)
