"""Which keys and which certificate a board shall have, by what it has and what is on record. Pure.

A board's key is what it is known by, so another one than the record's is never taken in silence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cma_toolkit.firmware.kernel.codec.frame import node_id
from cma_toolkit.host_tools.errors import CmaError, needs_yes, refused
from cma_toolkit.host_tools.fleet.enrolments import STARTED, Enrolment
from cma_toolkit.host_tools.fleet.inventory import Row
from cma_toolkit.host_tools.provision.actual import Kept
from cma_toolkit.host_tools.secure.authority import Facts
from cma_toolkit.host_tools.secure.certificates import ROLES
from cma_toolkit.host_tools.secure.key_name import short_id

RENEWED_PART = 10  # a certificate is renewed in the last tenth of its time
DAY_S = 86_400


class Keys(StrEnum):
    """Which keys a board is to prove, as its script takes it."""

    KEPT = "kept"
    FRESH = "fresh"
    ANEW = "anew"


@dataclass(frozen=True)
class Wanted:
    """What a board's certificate shall say.

    Units: `valid_s` from when it is made.
    """

    mac: str
    network: int
    roles: int
    valid_s: int

    @property
    def node(self) -> int:
        """Return the id of its node."""
        return node_id(bytes.fromhex(self.mac.replace(":", "")))


@dataclass(frozen=True)
class Step:
    """What is to be done: which keys are certified, and why, in words."""

    keys: Keys
    before: str
    why: str


def wanted(row: Row, mac: str, network: int, valid_days: int) -> Wanted:
    """Return what the certificate of a row's board shall say."""
    roles = sum(1 << number for number, role in enumerate(ROLES) if role in row.roles)
    return Wanted(mac, network, roles, valid_days * DAY_S)


def next_step(
    kept: Kept,
    records: Sequence[Enrolment],
    wish: Wanted,
    authority: Facts | None,
    now_s: int,
) -> Step | None:
    """Return what a board lacks, None if its certificate is as it should be.

    Raises: CmaError 4 for a node that is taken and for keys that are not those of the record, 8
    for a board of another authority.
    """
    _refuse_taken(records, wish)
    owner = next((one for one in records if one.signer in _signers(kept)), None)
    if owner and owner.mac != wish.mac:
        raise _copied(wish, owner)
    record = next((one for one in records if one.mac == wish.mac), None)
    if record is None:
        return _first_step(kept, wish, authority)
    if not record.is_live:
        raise refused(
            f"{wish.mac} was revoked ({record.why}). To enrol it again, with new keys, run with "
            "--replace."
        )
    if record.state == STARTED and record.signer == kept.fresh_signer:
        return Step(Keys.FRESH, _shown(kept), "cut off in between")
    if (kept.signer, kept.public) != (record.signer, record.public):
        raise _another(kept, wish, record)
    why = _outdated(kept, record, wish, authority, now_s)
    return Step(Keys.KEPT, _shown(kept), why) if why else None


def replacement(kept: Kept, records: Sequence[Enrolment], wish: Wanted) -> Step:
    """Return the step that gives a board new keys, whatever it has.

    Raises: CmaError 4 for a node that is taken.
    """
    _refuse_taken(records, wish)
    return Step(Keys.ANEW, _shown(kept), "new keys")


def _first_step(kept: Kept, wish: Wanted, authority: Facts | None) -> Step:
    known = (authority.public, *authority.former) if authority else ()
    if kept.certificate and kept.authority not in known:
        raise needs_yes(
            f"{wish.mac} is enrolled with another authority ({short_id(kept.authority)}). "
            "Run with --replace to enrol it here, with new keys."
        )
    return Step(Keys.KEPT, _shown(kept), "not on record" if kept.certificate else "")


def _outdated(
    kept: Kept, record: Enrolment, wish: Wanted, authority: Facts | None, now_s: int
) -> str:
    """Say why a certificate is to be made anew; "" if it is not."""
    if authority is None or kept.authority != authority.public:
        return "by another key of the authority"
    reasons = (
        (kept.certificate != record.certificate or record.state == STARTED, "cut off in between"),
        (record.epoch != authority.epoch, f"of epoch {record.epoch}"),
        ((record.network, record.node) != (wish.network, wish.node), "of another network"),
        (record.roles != wish.roles, "with other roles"),
        (record.expires_s - now_s < wish.valid_s // RENEWED_PART, "runs out"),
    )
    return next((why for is_so, why in reasons if is_so), "")


def _refuse_taken(records: Sequence[Enrolment], wish: Wanted) -> None:
    for one in records:
        if one.is_live and one.node == wish.node and one.mac != wish.mac:
            raise refused(
                f"{wish.mac} has the node id {wish.node}, which is {one.mac}'s: both would use "
                "the same nonces. Put this board into another fleet."
            )


def _copied(wish: Wanted, owner: Enrolment) -> CmaError:
    return refused(
        f"{wish.mac} has the keys of {owner.mac}: its flash is a copy. Run with --replace to give "
        "it keys of its own."
    )


def _another(kept: Kept, wish: Wanted, record: Enrolment) -> CmaError:
    has = f"has the key {short_id(kept.signer)}" if kept.signer else "has no key"
    return refused(
        f"{wish.mac} {has}, but was enrolled with {short_id(record.signer)}: its flash was erased "
        "or put back, or it is not that board. Run with --replace to give it new keys; the old "
        "ones are revoked."
    )


def _signers(kept: Kept) -> set[bytes]:
    return {kept.signer, kept.fresh_signer} - {b""}


def _shown(kept: Kept) -> str:
    return short_id(kept.signer) if kept.certificate else "none"
