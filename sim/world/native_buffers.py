"""What takes the place of buffers of bytes in the copies of the kernel that become machine code.

CPython only. mypyc has fast access to `bytes` and to a `vec` of bytes, and none to a bytearray.
What a world hands to its agents is `bytes` always; the snapshot, and tables of small numbers that
no machine shows to another, are made as a `vec`.
"""

import re

_VEC = "vec[u8]"

# Which files, what to look for in them, and what takes its place. mypyc refuses what does not fit
# together, and the digest of a run tells whether it means the same.
RULES = (
    # Bytes that are read, unless an agent may have made them itself.
    (r"/kernel/(?!codec/(cbor|cobs|fragments|spans)\.|ports\.|state/[jmt]|state/sectors\.)",
     r"bytes \| bytearray( \| memoryview)?", "bytes"),
    (r"/codec/spans\.", r'def read_short\(buffer: "[^"]*"', "def read_short(buffer: bytes"),
    (r"/codec/fragments\.", r', buffer: "bytes \| bytearray"', ", buffer: bytes"),
    (r"/mesh/router\.", r"fragments\.buffer, 0", "bytes(fragments.buffer), 0"),
    (r"/governor\.", r"read_target\(buffer\)", "read_target(bytes(buffer))"),
    # The snapshot.
    (r"/kernel/",
     r"(def (?:save_into|save_window|_save_row|write_word|write_short|hibernate)\([^)]*)"
     r"buffer: bytearray", rf"\1buffer: {_VEC}"),
    (r"/state/snapshot\.", r"def write_into\(buffer: bytearray", f"def write_into(buffer: {_VEC}"),
    (r"/state/snapshot\.", r"whole = buffer if .*", "whole = memoryview(buffer)[:length]"),
    (r"/(recovery/boots|offers)\.", r"bytearray\((_\w+_BYTES)\)", rf"{_VEC}([0] * \1)"),
    (r"/world/board\.", r"bytearray\(agent\.snapshot_bytes\)",
     f"{_VEC}([0] * agent.snapshot_bytes)"),
    (r"/kernel/timers\.", r"(buffer\[offset.*\] = )(at_ms.*)", r"\1u8(\2)"),
    # The ids of neighbours, which are looked for at each frame.
    (r"/mesh/neighbours\.", r'self\.ids: "list\[int\]" = \[\]', "self.ids = vec[i64]()"),
    (r"/mesh/neighbours\.", r"self\.ids \+ \[0\] \* count",
     "extend(self.ids, vec[i64]([0] * count))"),
    (r"/mesh/neighbours\.",
     r"^.*\n +return self\.ids\.index\(source\) if source in self\.ids else NOBODY\n$",
     "        for row in range(len(self.ids)):\n"
     "            if self.ids[row] == source: return row\n"
     "        return NOBODY"),
    # The paths of the air, which are walked at each frame.
    (r"/medium/reach\.", r"array\[int\]", "vec[i32]"),
    (r"/medium/reach\.", r'array\("[IbH]", (\w+)\)', r"vec[i32]([i32(item) for item in \1])"),
    # Tables of small numbers.
    (r"/(timers|limits|mesh/outbox|mesh/requests)\.",
     r"(self\._(?:is_set|taken|rows|order|fresh) = )bytearray\(range\((.*)\)\)$",
     r"\1vec[i64](range(\2))"),
    (r"/(timers|limits|mesh/outbox|mesh/requests)\.",
     r"(self\._(?:is_set|taken|rows|order|fresh) = )bytearray\(([^#\n]*)\)",
     r"\1vec[i64]([0] * (\2))"),
    # Bytes that are copied or looked at: a view costs more than a copy of a few.
    (r"/codec/spans\.", r"for index in range\(size\):\n +target.*\n",
     "target[offset : offset + size] = source[start : start + size]\n\n"),
    (r"/codec/messages\.", r"def payload\(self\) -> memoryview", "def payload(self) -> bytes"),
    (r"/codec/messages\.", r"memoryview\(self\.buffer\)\[", "self.buffer["),
    (r"/mesh/neighbours\.", r"bytes\(memoryview\(buffer\)\[(.*)\]\)", r"buffer[\1]"),
    (r"/state/snapshot\.", r"whole = memoryview\(data\)", "whole = data"),
    # An announcement, which all in reach decode one after the other.
    (r"/kernel/agent\.", r"messages\.read_announcement\(", "announcements.read("),
    (r"/kernel/agent\.", r"^from \. import status$",
     "from . import status; from cma_toolkit.sim.world import announcements"),
    # The decoder, whose names for builtins spare MicroPython a search.
    (r"/codec/cbor\.", r"view = memoryview\(data\)", "view = bytes(data)"),
    (r"/codec/cbor\.", r"def _read_special\(view: memoryview", "def _read_special(view: bytes"),
    (r"/codec/cbor\.", r'^    type: "Any" = type,(?=\n    int:)', ""),
    (r"/codec/cbor\.", r'^    (int|str|len): "Any" = \1,$', ""),
    (r"/codec/cbor\.", r"\b_(int|str|float|dict|bytes|len|isinstance)\b(?!,| =)", r"\1"),
    (r"/codec/cbor\.", r"\b_SEQUENCES\b(?! =)", "(list, tuple)"),
)  # fmt: skip


def rewrite(name: str, text: str) -> str:
    """Return a file's text with other buffers; all lines keep their numbers."""
    for files, old, new in RULES:
        if re.search(files, name):
            text = re.sub(old, new, text, flags=re.MULTILINE)
    return text
