"""Telnet with the COM port option: what crosses a serial port on the network. Sans-IO.

Input    feed(bytes from the client)
Output   events in order: `Data`, `Lines`; `take_reply()` is what to send back
Bounds   a subnegotiation above 64 bytes is dropped and counted
Source   RFC 854, RFC 855, RFC 2217
"""

from dataclasses import dataclass

IAC = 0xFF
SE = 0xF0
SB = 0xFA
WILL, WONT, DO, DONT = 0xFB, 0xFC, 0xFD, 0xFE
BINARY, ECHO, SUPPRESS_GO_AHEAD, COM_PORT = 0x00, 0x01, 0x03, 0x2C

SET_BAUD_RATE = 1
SET_STOP_SIZE = 4
SET_CONTROL = 5
NOTIFY_LINE_STATE = 6
NOTIFY_MODEM_STATE = 7
SET_LINE_STATE_MASK = 10
SET_MODEM_STATE_MASK = 11
PURGE_DATA = 12
SERVER_OFFSET = 100

FLOW_REQUEST, FLOW_NONE = 0, 1
DTR_REQUEST, DTR_ON, DTR_OFF = 7, 8, 9
RTS_REQUEST, RTS_ON, RTS_OFF = 10, 11, 12
# Carrier, data set ready and clear to send: a board that is plugged in.
MODEM_STATE = 0xB0

_SUBNEGOTIATION_BYTES_MAX = 64
_WE_DO = (BINARY, ECHO, SUPPRESS_GO_AHEAD, COM_PORT)
_THEY_DO = (BINARY, SUPPRESS_GO_AHEAD, COM_PORT)


@dataclass(frozen=True)
class Data:
    """Bytes for the board."""

    payload: bytes


@dataclass(frozen=True)
class Lines:
    """New levels of the reset lines; True means asserted."""

    dtr: bool
    rts: bool


Event = Data | Lines


def escape(data: bytes) -> bytes:
    """Double each 0xFF, as data in a telnet stream must be."""
    return data.replace(b"\xff", b"\xff\xff") if IAC in data else data


class ComPortServer:
    """The server's half of one RFC 2217 connection."""

    def __init__(self) -> None:
        self._reply = bytearray()
        self._pending = b""
        self._ours: set[int] = set()
        self._theirs: set[int] = set()
        self._settings = {SET_BAUD_RATE: (115200).to_bytes(4, "big"), 2: b"\x08", 3: b"\x01"}
        self._settings[SET_STOP_SIZE] = b"\x01"
        self.dtr = False
        self.rts = False
        self.dropped_count = 0
        for option in (BINARY, COM_PORT):
            self._theirs.add(option)
            self._reply += bytes((IAC, DO, option))
        self._ours.add(BINARY)
        self._reply += bytes((IAC, WILL, BINARY))

    def take_reply(self) -> bytes:
        """Return what must be sent to the client, once."""
        reply = bytes(self._reply)
        self._reply.clear()
        return reply

    def feed(self, received: bytes) -> list[Event]:
        """Take bytes as they came and return what they mean, in order."""
        if not self._pending and IAC not in received:
            return [Data(received)] if received else []
        events: list[Event] = []
        stream = self._pending + received
        data = bytearray()
        at = 0
        while at < len(stream):
            mark = stream.find(IAC, at)
            if mark < 0:
                data += stream[at:]
                at = len(stream)
                break
            data += stream[at:mark]
            at = mark
            size = self._command_size(stream, mark)
            if not size:
                break
            command = stream[mark : mark + size]
            at = mark + size
            if command == b"\xff\xff":
                data.append(IAC)
                continue
            if data:
                events.append(Data(bytes(data)))
                data.clear()
            events += self._on_command(command)
        self._pending = stream[at:]
        if data:
            events.append(Data(bytes(data)))
        return events

    def _command_size(self, stream: bytes, mark: int) -> int:
        """Return the size of the command at `mark`, 0 if more of it must come."""
        if len(stream) < mark + 2:
            return 0
        kind = stream[mark + 1]
        if kind in (WILL, WONT, DO, DONT):
            return 3 if len(stream) >= mark + 3 else 0
        if kind != SB:
            return 2
        at = mark + 2
        while (at := stream.find(IAC, at)) >= 0 and at + 1 < len(stream):
            if stream[at + 1] == SE:
                return at + 2 - mark
            at += 2
        if len(stream) - mark > _SUBNEGOTIATION_BYTES_MAX:
            self.dropped_count += 1
            return len(stream) - mark
        return 0

    def _on_command(self, command: bytes) -> list[Event]:
        kind = command[1]
        if kind in (WILL, WONT, DO, DONT):
            self._negotiate(kind, command[2])
        elif kind == SB and len(command) >= 6 and command[2] == COM_PORT:
            body = command[3:-2].replace(b"\xff\xff", b"\xff")
            return self._on_com_port(body[0], body[1:])
        return []

    def _negotiate(self, kind: int, option: int) -> None:
        agreed, may = (self._theirs, _THEY_DO) if kind in (WILL, WONT) else (self._ours, _WE_DO)
        yes, no = (DO, DONT) if kind in (WILL, WONT) else (WILL, WONT)
        if kind in (WONT, DONT):
            if option in agreed:
                agreed.discard(option)
                self._reply += bytes((IAC, no, option))
        elif option not in may:
            self._reply += bytes((IAC, no, option))
        elif option not in agreed:
            agreed.add(option)
            self._reply += bytes((IAC, yes, option))

    def _on_com_port(self, verb: int, value: bytes) -> list[Event]:
        if SET_BAUD_RATE <= verb <= SET_STOP_SIZE:
            # Zero asks for the value in force; any other is accepted: a virtual wire has no speed.
            if any(value):
                self._settings[verb] = value
            self._answer(verb, self._settings[verb])
        elif verb == SET_CONTROL and value:
            return self._on_control(value[0])
        elif verb == NOTIFY_LINE_STATE:
            self._answer(verb, b"\x00")
        elif verb == NOTIFY_MODEM_STATE:
            self._answer(verb, bytes((MODEM_STATE,)))
        elif verb in (SET_LINE_STATE_MASK, SET_MODEM_STATE_MASK):
            self._answer(verb, value)
        elif verb == PURGE_DATA and value:
            # A client empties its own buffer when this answer comes, and we keep hardly any.
            self._answer(verb, value[:1])
        return []

    def _on_control(self, value: int) -> list[Event]:
        before = (self.dtr, self.rts)
        answer = value
        if value in (DTR_ON, DTR_OFF):
            self.dtr = value == DTR_ON
        elif value in (RTS_ON, RTS_OFF):
            self.rts = value == RTS_ON
        elif value == DTR_REQUEST:
            answer = DTR_ON if self.dtr else DTR_OFF
        elif value == RTS_REQUEST:
            answer = RTS_ON if self.rts else RTS_OFF
        elif value == FLOW_REQUEST:
            answer = FLOW_NONE
        self._answer(SET_CONTROL, bytes((answer,)))
        changed = (self.dtr, self.rts) != before
        return [Lines(self.dtr, self.rts)] if changed else []

    def _answer(self, verb: int, value: bytes) -> None:
        head = bytes((IAC, SB, COM_PORT, verb + SERVER_OFFSET))
        self._reply += head + escape(value) + bytes((IAC, SE))
