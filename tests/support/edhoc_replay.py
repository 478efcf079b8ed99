"""Sessions that a reference made, played again by the kernel's machines: for both runtimes.

As a program, `edhoc_replay.py FILE` prints which of its cases differ, and last how many do not.
"""

import json
import sys
from binascii import hexlify, unhexlify

from kernel.secure.edhoc import Credential
from kernel.secure.handshake import Handshake


class Both:
    """Find one of two credentials."""

    def __init__(self, *credentials):
        """Keep them."""
        self._credentials = credentials

    def find(self, reference):
        """Return the one that is meant."""
        for credential in self._credentials:
            if credential.reference == reference:
                return credential
        return None


class Case:
    """One session: both sides' secrets, and the messages that a reference made of them."""

    def __init__(self, fields, crypto, side=Handshake, signs=(False, False)):
        """Take it from its fields: those with capital letters are in hexadecimal."""
        self.held = {}
        for name in fields:
            if name[0].isupper():
                self.held[name] = unhexlify(fields[name])
        self.crypto = crypto
        self.side = side
        self.suites = tuple(fields["suites"])
        self.initiator = self._own("I", signs[0])
        self.responder = self._own("R", signs[1])

    def _own(self, side, does_sign):
        private = self.held["SK_" + side]
        public = (self.crypto.signer_of if does_sign else self.crypto.public_of)(private)
        return Credential(self.held["ID_CRED_" + side], self.held["CRED_" + side], public, private)

    def _side(self, own, ephemeral, identifier, suites):
        private = self.held[ephemeral]
        return self.side(
            self.crypto,
            own,
            Both(self.initiator, self.responder),
            (private, self.crypto.public_of(private)),
            (self.held[identifier], b"\x7f\x7f"),
            suites,
        )

    def begin(self):
        """Return the side that begins."""
        return self._side(self.initiator, "X", "C_I", self.suites)

    def answer(self):
        """Return the side that is called."""
        return self._side(self.responder, "Y", "C_R", self.suites[-1:])

    def plays_initiator(self, told):
        """Tell whether our initiator says and exports what the reference does."""
        side = self.begin()
        if side.message_1() != unhexlify(told["message_1"]):
            return False
        if side.on_message_2(unhexlify(told["message_2"])) != unhexlify(told["message_3"]):
            return False
        side.on_message_4(unhexlify(told["message_4"]))
        return self._is_agreed(side, told)

    def plays_responder(self, told):
        """Tell whether our responder says and exports what the reference does."""
        side = self.answer()
        if side.on_message_1(unhexlify(told["message_1"])) != unhexlify(told["message_2"]):
            return False
        side.on_message_3(unhexlify(told["message_3"]))
        if side.message_4() != unhexlify(told["message_4"]):
            return False
        return self._is_agreed(side, told)

    def _is_agreed(self, side, told):
        secret = hexlify(side.exporter.export(0, b"", 16)).decode()
        salt = hexlify(side.exporter.export(1, b"", 8)).decode()
        if (secret, salt) != (told["master_secret"], told["master_salt"]):
            return False
        identifiers = {self.held["C_I"], self.held["C_R"]}
        return {side.own_identifier, side.peer_identifier} == identifiers


def main(path):
    """Replay a file of cases."""
    from support import crypto

    port = crypto.make()
    good = 0
    with open(path) as file:
        for number, line in enumerate(file):
            fields = json.loads(line)
            case = Case(fields, port)
            if case.plays_initiator(fields["to_initiator"]) and case.plays_responder(
                fields["to_responder"]
            ):
                good += 1
            else:
                print("case", number, "differs")
    print(good)


if __name__ == "__main__":
    main(sys.argv[1])
