"""Classes 47, 48, 50 and 52: keys that two have, nobody drew, or everybody knows."""

from attacks.attack import attack, check, stopped, survived
from attacks.places import ACQUAINTANCES, CLONES, ENTROPY, SEALED, SESSIONS, X25519

from kernel.prng import Prng
from kernel.secure.acquaintances import by_name, by_value
from kernel.secure.clones import IS_FINE, Clones
from kernel.secure.entropy import HARDWARE_BYTES, JITTER_COUNT, Entropy
from support import crypto
from support.protected import Member, pair, secret
from support.secure_parties import Fleet

SECRET = b"\x77" * 32


@attack(
    check("whose certificate it is", ACQUAINTANCES, "held.node != self.node", "False"),
    check(
        "one secret for one peer",
        SESSIONS,
        "if other != peer and self.secret_for(other) == secret:",
        "if False:",
    ),
    check(
        "boots and draws of one key",
        CLONES,
        "if is_older or (boots == its_boots and drawn != its_drawn):",
        "if False:",
    ),
)
def test_trust_47_one_key_under_two_nodes() -> None:
    """Boards that were flashed from one image share its keys (CVE-2025-52464)."""
    fleet = Fleet()
    one, other = fleet.board(11), fleet.board(22)
    one.peers.node = 22
    assert one.peers.find(by_value(other.certificate))
    one.peers.node = 23
    stopped(not one.peers.find(by_value(other.certificate)), "the certificate of another")
    one.table.put(b"cert/\x00\x00\x00\x17", other.certificate)
    stopped(not one.peers.find(by_name(other.certificate)), "kept under another's node")
    node = Member(1)
    node.protection.install(2, secret(2))
    stopped(not installs(node, 3, secret(2)), "one session's secret for a second peer")
    clones = Clones()
    told = [clones.on_proof(SECRET, 7, boots, drawn) for boots, drawn in ((4, 9), (4, 10))]
    stopped(told[0] == IS_FINE and told[1] != IS_FINE, "a copy of a board, unseen")


def installs(member: Member, peer: int, given: bytes) -> bool:
    """Tell whether a session is begun with a secret."""
    try:
        return bool(member.protection.install(peer, given))
    except ValueError:
        return False


def boot(
    data: bytes, *, is_true: bool = True, step: int = 0, earlier: bytes = b""
) -> tuple[bytes, bytes] | None:
    """Return the keys that a boot makes of some bytes and times, None if it refuses."""
    entropy, prng, ticks = Entropy(earlier), Prng(2), 0
    entropy.on_hardware(data, is_true)
    for _ in range(JITTER_COUNT):
        ticks += step or 40 + prng.below(60)
        entropy.on_jitter(ticks)
    try:
        return entropy.make_keys()
    except OSError:
        return None


def random_bytes(seed: int) -> bytes:
    """Return bytes as a good generator gives them."""
    prng, data = Prng(seed), list(range(256)) * (HARDWARE_BYTES // 256)
    for at in range(len(data) - 1, 0, -1):
        other = prng.below(at + 1)
        data[at], data[other] = data[other], data[at]
    return bytes(data)


@attack(
    check("bytes that repeat", ENTROPY, "and not self._is_bad", "and True"),
    check("bytes that are only computed", ENTROPY, "if not is_true:", "if False:"),
    check("bytes of an earlier boot", ENTROPY, "self.mark() != self._earlier", "True"),
    check("a clock that moves", ENTROPY, "max(self._jitter_counts) <= _JITTER_SAME_MAX", "True"),
)
def test_trust_48_boot_with_little_entropy() -> None:
    good = random_bytes(1)
    assert boot(good)
    stopped(not boot(bytes(HARDWARE_BYTES)), "of a generator that is stuck")
    stopped(not boot(good, is_true=False), "of a generator that only computes")
    first = Entropy()
    first.on_hardware(good, True)
    stopped(not boot(good, earlier=first.mark()), "of the same bytes as at the boot before")
    stopped(not boot(good, step=64), "of a clock that stands")


@attack(check("refusing what is no secret", SESSIONS, "if is_weak(secret):", "if False:"))
def test_trust_50_key_overwritten_by_an_empty_one() -> None:
    """Meshtastic, pull request 6372: an empty key clears the good one, then any is accepted."""
    one, other = pair()
    for empty in (b"", bytes(16)):
        stopped(not survived(lambda empty=empty: installs(other, one.node, empty)), "an empty key")
        stopped(other.opened(one.sealed(other.node)) == b"\x01", "the good key is gone")


@attack(
    check(
        "secrets of which most bytes are one", SEALED, "len(set(secret)) < _DISTINCT_MIN", "False"
    ),
    check("public keys that lead to a known secret", X25519, "if not found:", "if False:"),
)
def test_trust_52_default_or_known_key() -> None:
    node = Member(1)
    assert installs(node, 2, secret(2))
    for known in (b"\xff" * 16, b"\x01\x02\x03\x04" * 4, bytes(15) + b"\x01"):
        stopped(not installs(node, 3, known), "a key that everybody has")
    port = crypto.make()
    for small in (bytes(32), b"\x01" + bytes(31)):
        try:
            port.agree(SECRET, small)
        except ValueError:
            continue
        stopped(False, "a secret that everybody knows")
