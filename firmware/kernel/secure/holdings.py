"""With what a node proves itself in a call, and what it keeps of one for the next.

Input    prepare, refer; install; kept_of, name_of; forget, forget_void
Effects  none; a commit of the table for each handshake, whose peer is kept if there is room
Bounds   of each acquaintance 32 B beside its certificate
Source   SPEC.md, "Calls"
"""

from .acquaintances import KEY, by_name, by_value, key_of, name_of, node_of
from .call import BY_VALUE
from .certificate import Certificate
from .edhoc import Credential
from .handshake import Handshake
from .resumption import keep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ports import Table
    from .acquaintances import Acquaintances
    from .call import Call
    from .ephemerals import Ephemerals
    from .port import Crypto
    from .session import Protection

NO_NAME = b"\xff"

_IDENTIFIERS = b"\x05", b"\x06"
_MASTER_SECRET, _SECRET_BYTES = 0, 16


class Holdings:
    """What one node is and keeps.

    Shape: `own` has the certificate as its value; `pinned` are nodes whose sessions nobody's takes
    the place of; `make` makes a side of a handshake.
    """

    make = Handshake

    def __init__(  # noqa: PLR0917 - keywords cost a board more
        self,
        own: Credential,
        crypto: "Crypto",
        table: "Table",
        peers: "Acquaintances",
        ephemerals: "Ephemerals",
        protection: "Protection",
    ) -> None:
        self.pinned: "list[int]" = []
        self.unkept = 0  # handshakes that flash did not take
        self.crypto, self.peers, self.protection = crypto, peers, protection
        self._own, self._table, self._ephemerals = own, table, ephemerals

    def prepare(self, call: "Call") -> None:
        """Give a call our side of a handshake."""
        own = self._own
        call.own = Credential(by_value(own.value), own.value, own.public, own.private)
        pair = self._ephemerals.take()
        call.handshake = self.make(self.crypto, call.own, self.peers, pair, _IDENTIFIERS)

    def refer(self, call: "Call", name: bytes) -> None:
        """Speak of ourselves by name to who holds our certificate, as the message with it says."""
        self.peers.node = call.peer
        if call.own and call.stage != BY_VALUE and name == name_of(call.own.value):
            call.own.reference = by_name(call.own.value)

    def name_of(self, peer: int) -> bytes:
        """Return the key id of the certificate that we hold of a peer.

        Raises: OSError when flash fails.
        """
        held = self._table.get(key_of(peer))
        return name_of(held) if held else NO_NAME

    def kept_of(self, peer: int) -> bytes:
        """Return what the last handshake left, nothing if its certificate holds no more.

        Raises: OSError when flash fails.
        """
        held = self._table.get(key_of(peer))
        self.peers.node = peer
        if not held or not self.peers.find(by_name(held)):
            return b""
        return self._table.get(_kept_key(peer)) or b""

    def install(self, call: "Call") -> bool:
        """Begin the session that a call was made for; False if it cannot be."""
        exporter, peer = call.exporter, call.peer
        secret = exporter.export(_MASTER_SECRET, b"", _SECRET_BYTES)
        try:
            if not self._is_believed(call):
                return False
            if not self.protection.install(peer, secret, peer in self.pinned):
                return False
        except (ValueError, OSError):
            return False
        if call.handshake:
            try:
                self._keep(peer, call.handshake.peer, keep(exporter))
            except OSError:
                self.unkept += 1
        return True

    def _is_believed(self, call: "Call") -> bool:
        # The authority may have spoken since the call began.
        side = call.handshake
        if side:
            return not self.peers.orders.is_void(Certificate(side.peer.value))
        return self.kept_of(call.peer) != b""

    def _keep(self, peer: int, credential: Credential, kept: bytes) -> None:
        table = self._table
        if table.get(key_of(peer)) != credential.value:
            self.peers.node = peer
            self.peers.remember(credential)
        if table.get(key_of(peer)) == credential.value:
            table.put(_kept_key(peer), kept)
            table.commit()

    def forget_void(self) -> None:
        """End each session without a certificate that holds, and keep none that does not.

        To be called after each statement of the authority. Who is believed, but was not kept for
        want of room, has to call again.
        Raises: OSError when flash fails; the sessions are over all the same.
        """
        table = self._table
        void: "list[int]" = []
        believed: "list[int]" = []
        for key in list(table.keys()):
            if key.startswith(KEY):
                peer = self.peers.node = node_of(key)
                held = table.get(key)
                is_fine = held and self.peers.find(by_name(held))
                (believed if is_fine else void).append(peer)
        for peer in self.protection.sessions.peers():
            if peer not in believed:
                self.protection.sessions.end(peer)
        for peer in void:
            table.delete(key_of(peer))
            table.delete(_kept_key(peer))
        table.commit()

    def forget(self, peer: int) -> None:
        """End what there is with a peer that is believed no more.

        Raises: OSError when flash fails: what it keeps is not forgotten then.
        """
        self.protection.sessions.end(peer)
        self._table.delete(key_of(peer))
        self._table.delete(_kept_key(peer))
        self._table.commit()


def _kept_key(peer: int) -> bytes:
    return b"kept" + key_of(peer)
