"""Handshakes against others: RFC 9529's sessions, an independent reference, and lakers."""

from binascii import hexlify
from itertools import product
from pathlib import Path

import cbor2
import pycddl
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from cma_toolkit.firmware.kernel.secure.edhoc import (
    Credential,
    Exporter,
    HandshakeError,
    read_items,
    read_reference,
)
from cma_toolkit.firmware.kernel.secure.resumption import Resumption, keep
from cma_toolkit.host_tools.secure.handshakes import (
    METHODS,
    SUITES,
    AnyHandshake,
    answer,
    begin,
    crypto_of,
    updated,
)
from cma_toolkit.host_tools.secure.pyca import PycaCrypto, PycaP256
from support import edhoc_cases, edhoc_lakers, edhoc_reference
from support.edhoc_replay import Case
from support.secure_parties import known_pair, shake

CDDL = (Path(__file__).parents[2] / "firmware" / "protocol.cddl").read_text()
PUBLISHED = edhoc_cases.published()
SESSIONS = PUBLISHED["sessions"]
MATRIX = list(product(METHODS, SUITES))
IDENTIFIERS = (b"\x05", b"\x06")


class Repeatable(PycaP256):
    """Signatures as RFC 6979 makes them, as those of the reference."""

    def sign(self, private: bytes, message: bytes) -> bytes:
        """Return the same signature each time."""
        key = ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP256R1())
        how = ec.ECDSA(SHA256(), deterministic_signing=True)
        return b"".join(
            number.to_bytes(32, "big")
            for number in utils.decode_dss_signature(key.sign(message, how))
        )


def case_of(fields: dict, method: int) -> Case:
    """Return a session as ours is to play it."""
    port = PycaCrypto() if fields["suites"][-1] == 0 else Repeatable()

    class Side(AnyHandshake):
        pass

    Side.method = method
    return Case(fields, port, Side, (method in (0, 1), method in (0, 2)))


class Everybody:
    """Know a list of credentials."""

    def __init__(self, *known: Credential) -> None:
        """Keep them."""
        self._known = {credential.reference: credential for credential in known}

    def find(self, reference: bytes) -> Credential | None:
        """Return the one that is meant."""
        return self._known.get(reference)


def own_of(suite: int, does_sign: bool, key_id: bytes) -> Credential:
    """Return a fresh credential."""
    port = crypto_of(suite)
    private = port.random(32)
    public = port.signer_of(private) if does_sign else port.public_of(private)
    return Credential(b"\xa1\x04\x41" + key_id, b"\x58\x40" + 64 * key_id, public, private)


@pytest.mark.parametrize("fields", SESSIONS, ids=lambda fields: fields["name"])
def test_the_published_sessions_are_played_to_the_byte(fields: dict) -> None:
    case = case_of(fields, fields["method"])
    assert case.plays_initiator(fields)
    assert case.plays_responder(fields)


def test_the_published_key_update_leads_to_the_published_keys() -> None:
    fields = SESSIONS[1]
    side = case_of(fields, 3).begin()
    side.message_1()
    side.on_message_2(bytes.fromhex(fields["message_2"]))
    following = updated(side.exporter, bytes.fromhex(fields["update_context"]))
    assert following.export(0, b"", 16).hex() == fields["updated_master_secret"]
    assert following.export(1, b"", 8).hex() == fields["updated_master_salt"]


def test_the_published_first_try_with_another_suite_gets_the_published_error() -> None:
    fields = SESSIONS[1]
    owns = {(2, False): own_of(2, False, b"2")}
    with pytest.raises(HandshakeError) as caught:
        answer(bytes.fromhex(fields["message_1_before"]), owns, Everybody(), IDENTIFIERS)
    assert caught.value.message.hex() == fields["error"]


@pytest.mark.parametrize(("kind", "what", "data"), PUBLISHED["invalid"])
def test_the_published_messages_that_are_none_are_refused(kind: str, what: str, data: str) -> None:
    message = bytes.fromhex(data)
    owns = {(2, False): Credential(b"", b"", b"", bytes(32))}
    with pytest.raises(HandshakeError):
        if kind == "message_1":
            answer(message, owns, Everybody(), IDENTIFIERS)
        elif kind == "message_2":
            side = begin(owns[2, False], Everybody(), b"\x0e", suites=(2,))
            side.message_1()
            side.on_message_2(message)
        else:
            items, _ = read_items(message, 3)
            read_reference(items[1])
            pytest.fail(what)


@pytest.mark.parametrize(("method", "suite"), MATRIX)
def test_drawn_sessions_are_those_of_the_reference(method: int, suite: int) -> None:
    for seed in range(6):
        fields = edhoc_cases.drawn(seed, method, suite)
        case = case_of(fields, method)
        assert case.plays_initiator(fields["to_initiator"]), seed
        assert case.plays_responder(fields["to_responder"]), seed


@pytest.mark.parametrize("runtime", ["CPython", "MicroPython"])
def test_boards_play_drawn_sessions_as_the_reference(runtime: str, tmp_path: Path) -> None:
    cases = [edhoc_cases.drawn(seed) for seed in range(6)]
    good, printed = edhoc_cases.replayed(cases, runtime, tmp_path)
    assert good == len(cases), printed


@pytest.mark.parametrize("number", range(4))
def test_we_agree_with_lakers_in_either_role(number: int) -> None:
    assert edhoc_lakers.begins(number)
    assert edhoc_lakers.answers(number)


@pytest.mark.parametrize(("method", "suite"), MATRIX)
def test_two_computers_agree_by_any_method_and_suite(method: int, suite: int) -> None:
    one = own_of(suite, method in (0, 1), b"1")
    owns = {
        (known, signs): own_of(known, signs, bytes((0x40 + 2 * known + signs,)))
        for known, signs in product(SUITES, (False, True))
    }
    peers = Everybody(one, *owns.values())
    side = begin(one, peers, b"\x05", method, (suite,))
    other, message_2 = answer(side.message_1(), owns, peers, IDENTIFIERS)
    other.on_message_3(side.on_message_2(message_2))
    side.on_message_4(other.message_4())
    assert side.exporter.export(0, b"", 16) == other.exporter.export(0, b"", 16)
    assert side.peer.value == owns[suite, method in (0, 2)].value


@pytest.mark.parametrize("method", METHODS)
def test_who_signs_or_agrees_with_another_key_is_refused(method: int) -> None:
    one, true = own_of(0, method in (0, 1), b"1"), own_of(0, method in (0, 2), b"2")
    peers = Everybody(one, true)
    for liar in (one, true):
        thief = Credential(liar.reference, liar.value, liar.public, bytes(31) + b"\x07")
        side = begin(thief if liar is one else one, peers, b"\x05", method)
        owns = {(0, method in (0, 2)): thief if liar is true else true}
        other, message_2 = answer(side.message_1(), owns, peers, IDENTIFIERS)
        with pytest.raises(HandshakeError):
            other.on_message_3(side.on_message_2(message_2))
        assert other.exporter is None


def test_a_suite_that_we_lack_is_answered_with_those_that_we_have() -> None:
    owns = {(suite, False): own_of(suite, False, b"2") for suite in SUITES}
    message = begin(own_of(0, False, b"1"), Everybody(), b"\x05").message_1()
    for suites, ours, error in (
        (b"\x06", owns, "02820002"),
        (b"\x82\x06\x02", {(0, False): owns[0, False]}, "0200"),
        (b"\x82\x00\x02", owns, "02820002"),  # the first would do: somebody turned it down
    ):
        with pytest.raises(HandshakeError) as caught:
            answer(message[:1] + suites + message[2:], ours, Everybody(), IDENTIFIERS)
        assert hexlify(caught.value.message).decode() == error


def test_a_method_without_a_credential_or_that_is_none_is_refused() -> None:
    owns = {(0, False): own_of(0, False, b"2")}
    message = begin(own_of(0, False, b"1"), Everybody(), b"\x05").message_1()
    for method in (b"\x00", b"\x02", b"\x04", b"\x20", b"\xf4", b"\x40", b""):
        with pytest.raises(HandshakeError):
            answer(method + message[1:], owns, Everybody(), IDENTIFIERS)
    assert answer(message, owns, Everybody(), IDENTIFIERS)
    with pytest.raises(ValueError, match="method 4"):
        begin(owns[0, False], Everybody(), b"\x05", 4)
    with pytest.raises(ValueError, match="suite 1"):
        crypto_of(1)


def test_what_is_sent_has_the_shape_that_the_protocol_gives_it() -> None:
    one, other = known_pair()
    strangers = one.side(other, False), other.side(one, False)
    for first, second in ((one.side(other), other.side(one)), strangers):
        messages = shake(first, second)
        check("handshake-1", b"\x84" + messages[0])
        for number in (2, 3, 4):
            check(f"handshake-{number}", messages[number - 1])
    check("certificate", one.certificate)
    check("certificate-claims", cbor2.loads(one.certificate)[2])
    for code, info in ((1, ""), (2, 0), (2, [0, 2]), (3, True)):
        check("handshake-error", b"\x82" + HandshakeError(code, info).message)


def check(rule: str, data: bytes) -> None:
    """Raise pycddl.ValidationError unless the bytes match a rule."""
    pycddl.Schema(f"start = {rule}\n{CDDL}").validate_cbor(data)


def test_a_resumption_is_as_the_specification_has_it() -> None:
    kept, one, two = bytes(range(32)), b"12345678", b"abcdefgh"
    kdf = edhoc_reference.kdf
    first, second = Resumption(kept, one), Resumption(kept, two)
    asked = first.ask()
    answered = second.on_ask(asked)
    proof = first.on_answer(answered)
    second.on_proof(proof)
    assert asked == one + kdf(kept, 1, one, 8)
    assert answered == two + kdf(kept, 2, one + two, 8)
    assert proof == kdf(kept, 3, one + two, 8)
    assert first.exporter.secret == second.exporter.secret == kdf(kept, 4, one + two, 32)


def test_what_is_kept_is_exported_under_a_label_of_our_own() -> None:
    secret = bytes(range(32))
    exporter = edhoc_reference.exported_by(secret)
    assert keep(Exporter(secret)) == edhoc_reference.kdf(exporter, 32_768, b"", 32)
