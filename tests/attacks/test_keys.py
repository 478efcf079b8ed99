"""Attacks 27 to 33: keys that are too few, doubled, old, or for something else."""

from dataclasses import replace

from attacks.attack import attack, check, refused, stopped
from attacks.places import ENVELOPE, TRUST

from cma_toolkit.firmware.kernel.release import refusals
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.documents import RootDocument
from support.release_board import (
    FIRST,
    RELEASE,
    RELEASE_2,
    ROOT,
    ROOT_2,
    THIEF,
    TIMESTAMP,
    Handed,
    hand_root,
    next_root,
)
from support.release_signers import DAY_S, LATER_S, Signer, manifest, role, signed

TWO_RELEASE_KEYS = replace(FIRST, roles={**FIRST.roles, "release": role(2, RELEASE, RELEASE_2)})
BOTH_ROOTS_SIGN = "for signer in (self.root, root):"


@attack(check("the threshold", ENVELOPE, "if len(good) >= threshold:", "if good:"))
def test_attack_27_fewer_than_the_threshold() -> None:
    assert Handed(TWO_RELEASE_KEYS).release(manifest(), RELEASE_2, RELEASE) == 0
    for signers in ([RELEASE], [RELEASE, THIEF], [RELEASE_2]):
        handed = Handed(TWO_RELEASE_KEYS)
        refused(
            lambda handed=handed, signers=signers: handed.release(manifest(), *signers),
            refusals.REFUSED_UNSIGNED,
        )


@attack(
    check(
        "a key counts once",
        ENVELOPE,
        "if signature is None or key in good:",
        "if signature is None:",
        (TRUST, "or keys[index] in held:", "or False:"),
    ),
)
def test_attack_28_one_key_twice_in_a_role() -> None:
    handed = Handed()
    assert handed.release(manifest()) == 0
    doubled = next_root(roles={**FIRST.roles, "release": role(2, RELEASE, RELEASE)})
    # Two of two must sign, and a thief has the one.
    answer = handed.trust.on_root(signed(doubled.to_bytes(), [ROOT, ROOT_2]))
    stopped(answer or handed.release(manifest(2), RELEASE), "one key for two")
    assert answer == refusals.REFUSED_MALFORMED


@attack(
    check(
        "an id is of the key itself",
        ENVELOPE,
        "signature = self._signatures.get(sha256(key).digest()[:KEY_ID_BYTES])",
        "signature = next(iter(self._signatures.values()), None)",
        (
            ENVELOPE,
            "if verify(key, signed, signature, families):",
            "if any(verify(one, signed, signature, families) for one in keys):",
        ),
    )
)
def test_attack_28_one_signature_under_two_ids() -> None:
    handed, payload = Handed(TWO_RELEASE_KEYS), manifest()
    assert handed.release(payload, RELEASE, RELEASE_2) == 0
    own = RELEASE.sign(payload)
    data = documents.envelope(payload, [own, (RELEASE_2.id, own[1])])
    refused(lambda: handed.take(data), refusals.REFUSED_UNSIGNED)


@attack(
    check(
        "following a root to the next",
        TRUST,
        "        self.root = root\n        return 0",
        "        return 0",
    ),
    check(
        "the keys of the newest root",
        TRUST,
        BOTH_ROOTS_SIGN,
        "for signer in (root,):",
    ),
)
def test_attack_29_key_that_a_chain_of_roots_took_out() -> None:
    handed = Handed()
    second = next_root(roles={**FIRST.roles, "root": role(1, THIEF)})
    assert hand_root(handed.trust, second, ROOT, ROOT_2, THIEF) == 0
    third = next_root(
        second, roles={**FIRST.roles, "root": role(1, ROOT), "release": role(1, RELEASE_2)}
    )
    old_keys = signed(third.to_bytes(), [ROOT, ROOT_2])
    refused(lambda: handed.trust.on_root(old_keys))
    stopped(hand_root(handed.trust, third, ROOT, THIEF) == 0, "the chain ends")
    refused(lambda: handed.release(manifest(), RELEASE), refusals.REFUSED_UNSIGNED)
    stopped(handed.release(manifest(), RELEASE_2) == 0, "the chain ends")


@attack(
    check(
        "one root after the other", TRUST, "if root.version != self.root.version + 1:", "if False:"
    )
)
def test_attack_30_root_version_skipped_or_again() -> None:
    for version in (0, 1, 3):
        handed, root = Handed(), replace(FIRST, version=version)
        data = signed(root.to_bytes(), [ROOT, ROOT_2])
        refused(
            lambda handed=handed, data=data: handed.trust.on_root(data),
            refusals.REFUSED_VERSION,
            version,
        )
    assert hand_root(Handed().trust, next_root(), ROOT, ROOT_2) == 0


@attack(check("the keys of the root before", TRUST, BOTH_ROOTS_SIGN, "for signer in (root,):"))
def test_attack_31_new_root_signed_by_the_new_key_only() -> None:
    root = next_root(roles={**FIRST.roles, "root": role(1, THIEF)})
    assert hand_root(Handed().trust, root, ROOT, ROOT_2, THIEF) == 0
    for signers in ([THIEF], [THIEF, ROOT]):
        refused(
            lambda signers=signers: hand_root(Handed().trust, root, *signers),
            refusals.REFUSED_UNSIGNED,
        )


@attack(check("the keys of a root itself", TRUST, BOTH_ROOTS_SIGN, "for signer in (self.root,):"))
def test_attack_31_new_root_whose_own_key_nobody_has() -> None:
    root = next_root(roles={**FIRST.roles, "root": role(1, THIEF)})
    assert hand_root(Handed().trust, root, ROOT, ROOT_2, THIEF) == 0
    # Nobody could ever sign the root after it.
    refused(lambda: hand_root(Handed().trust, root, ROOT, ROOT_2), refusals.REFUSED_UNSIGNED)


@attack(
    check(
        "the end of a root",
        TRUST,
        "if self._is_past(min(expires, self.root.expires_s), max(now_s, issued)):",
        "if self._is_past(expires, max(now_s, issued)):",
    )
)
def test_attack_32_expired_root() -> None:
    handed, payload, late = Handed(), manifest(), LATER_S + 1
    assert handed.release(payload) == 0
    said = documents.timestamp(2, late, late + DAY_S, [documents.digest_of(payload)])
    stamp = signed(said, [TIMESTAMP])
    refused(lambda: handed.trust.on_timestamp(stamp, late), refusals.REFUSED_EXPIRED)
    root = next_root(expires_s=late + DAY_S)
    assert hand_root(handed.trust, root, ROOT, ROOT_2) == 0
    assert handed.trust.on_timestamp(stamp, late) == 0
    assert handed.take(signed(payload, [RELEASE]), late) == 0


@attack(
    check(
        "only root keys give away roles",
        TRUST,
        "if not signer.is_signed(ROLE_ROOT, envelope, self._families):",
        "if not any(signer.is_signed(role, envelope, self._families) for role in range(3)):",
    )
)
def test_attack_33_release_key_that_delegates() -> None:
    root = next_root(roles={**FIRST.roles, "release": role(1, THIEF)})
    assert hand_root(Handed().trust, root, ROOT, ROOT_2) == 0
    by_both = next_root(roles={**root.roles, "root": role(1, RELEASE)})
    wrong: list[tuple[RootDocument, list[Signer]]] = [
        (root, [RELEASE, THIEF]),
        (root, [TIMESTAMP]),
        (by_both, [RELEASE]),
    ]
    for document, signers in wrong:
        data = signed(document.to_bytes(), signers)
        refused(lambda data=data: Handed().trust.on_root(data), refusals.REFUSED_UNSIGNED)


@attack(
    check(
        "a role that there is not",
        TRUST,
        "if len(_list(roles, len(ROLES))) != len(ROLES):",
        "if False:",
        (TRUST, "for role in _list(roles, len(ROLES))]", "for role in _list(roles, 9)]"),
    )
)
def test_attack_33_fourth_role() -> None:
    fields = FIRST.to_bytes()
    assert fields.count(b"\x83\x82\x02\x82") == 1  # three roles, and the first of them
    with_fourth = fields.replace(b"\x83\x82\x02\x82", b"\x84\x82\x02\x82") + b"\x82\x01\x81\x00"
    data = signed(with_fourth.replace(b"root\x01", b"root\x02"), [ROOT, ROOT_2])
    refused(lambda: Handed().trust.on_root(data), refusals.REFUSED_MALFORMED)
