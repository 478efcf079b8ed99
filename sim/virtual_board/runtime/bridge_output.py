"""What MicroPython's unix port prints, on its way to looking like an ESP32's console.

Three things differ. The unix port prints `\\n` where a board prints `\\r\\n`, except for what goes
through `sys.stdout.buffer`. Its banner names Linux. And after a soft reset of a raw REPL a fresh
process starts in the friendly one: it is told to change over, and what it says meanwhile is
dropped.

Input    feed(data), any pieces; restart() before the output of a new process
Returns  the bytes for the host
Bounds   keeps back at most one unfinished mark; an echoed key is never kept back
"""

import re

from cma_toolkit.sim.virtual_board.runtime.console_marks import FRIENDLY_BANNER, RAW_BANNER

_BANNER_LINE = b"MicroPython "
_TOKEN = re.compile(
    rb"\x1b\]vb;(?:(?P<prompt>prompt)|bin;(?P<size>[0-9]{1,4}))\x07"
    rb"|(?P<machine>; linux [^\r\n]{0,80}? version)"
)
# What may be the first part of a token, at the end of what came.
_HALF_MARK = re.compile(rb"\x1b(?:\](?:v(?:b(?:;[a-z]{0,6}(?:;[0-9]{0,4})?)?)?)?)?\Z")
_HALF_MACHINE = re.compile(rb";(?: (?:l(?:i(?:n(?:u(?:x(?: [^\r\n]{0,88})?)?)?)?)?)?)?\Z")
_LONE_NEWLINE = re.compile(rb"(?<!\r)\n")
# What a REPL says first, once it reads what is typed.
_FIRST_PROMPTS = (RAW_BANNER + b">", FRIENDLY_BANNER + b">>> ")
_TAIL_BYTES = max(map(len, _FIRST_PROMPTS)) - 1


class OutputBridge:
    """Turn one board's output into what the host reads, and know its REPL by it.

    raw           whether it is the raw one
    has_prompted  whether what follows the scripts' end has come as far as its first prompt
    """

    def __init__(self, machine: str) -> None:
        """Name the board as its banner shall: `Generic ESP32 module with ESP32`."""
        self._machine = machine.encode()
        self.raw = False
        self.restart()

    def restart(self) -> None:
        """Expect a new process; whether the REPL is raw survives, as on a board."""
        self._kept = b""
        self._line = b""
        self._after_return = False
        self._binary_bytes = 0
        self._swallowing = False
        self._await_prompt(False)

    def feed(self, data: bytes) -> bytes:
        """Return what the host reads of this; what is only half there waits for its rest."""
        data = self._kept + data
        self._kept = b""
        out = bytearray()
        at = 0
        while at < len(data):
            if self._binary_bytes:
                at = self._binary(data, at, out)
            elif self._swallowing:
                at = self._swallow(data, at, out)
            else:
                at = self._text(data, at, out)
        return bytes(out)

    def flush(self) -> bytes:
        """Return what was kept back: its rest will not come."""
        kept, self._kept = self._kept, b""
        out = bytearray()
        if not self._swallowing:
            self._emit(kept, out)
        return bytes(out)

    def _binary(self, data: bytes, at: int, out: bytearray) -> int:
        end = min(at + self._binary_bytes, len(data))
        self._binary_bytes -= end - at
        out += data[at:end]
        self._after_return = False
        self._line = self._tail = b""
        return end

    def _swallow(self, data: bytes, at: int, out: bytearray) -> int:
        """Drop what comes before the raw REPL's banner."""
        found = data.find(RAW_BANNER, at)
        if found < 0:
            self._kept = data[max(at, len(data) - len(RAW_BANNER) + 1) :]
            return len(data)
        self._swallowing = False
        self._emit(RAW_BANNER, out)
        return found + len(RAW_BANNER)

    def _text(self, data: bytes, at: int, out: bytearray) -> int:
        token = _TOKEN.search(data, at)
        if not token:
            self._emit_but_half(data[at:], out)
            return len(data)
        self._emit(data[at : token.start()], out)
        if token["prompt"]:
            self._swallowing = self.raw
            self._await_prompt(True)
        elif token["size"]:
            self._binary_bytes = int(token["size"])
        elif self._line == _BANNER_LINE:
            self._emit(b"; " + self._machine, out)
        else:
            self._emit(token["machine"], out)
        return token.end()

    def _await_prompt(self, is_due: bool) -> None:
        self._is_prompt_due = is_due
        self.has_prompted = False
        self._tail = b""  # a script may print what looks like a prompt

    def _emit_but_half(self, data: bytes, out: bytearray) -> None:
        half = _HALF_MARK.search(data)
        if half:
            self._emit(data[: half.start()], out)
            self._kept = half[0]
            return
        half = _HALF_MACHINE.search(data)
        if not half:
            self._emit(data, out)
            return
        # Only a banner's line is worth waiting for: a program's `;` must not hang.
        self._emit(data[: half.start()], out)
        if self._line == _BANNER_LINE:
            self._kept = half[0]
        else:
            self._emit(half[0], out)

    def _emit(self, text: bytes, out: bytearray) -> None:
        if not text:
            return
        self._learn(text)
        if self._after_return and text.startswith(b"\n"):
            out += b"\n" + _LONE_NEWLINE.sub(b"\r\n", text[1:])
        else:
            out += _LONE_NEWLINE.sub(b"\r\n", text)
        self._after_return = text.endswith(b"\r")

    def _learn(self, text: bytes) -> None:
        _, newline, line = text.rpartition(b"\n")
        self._line = ((b"" if newline else self._line) + line)[: len(_BANNER_LINE)]
        seen = self._tail + text
        raw, friendly = seen.rfind(RAW_BANNER), seen.rfind(FRIENDLY_BANNER)
        if raw != friendly:
            self.raw = raw > friendly
        if self._is_prompt_due and any(prompt in seen for prompt in _FIRST_PROMPTS):
            self.has_prompted = True
        self._tail = seen[-_TAIL_BYTES:]
