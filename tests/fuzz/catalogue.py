"""Every parser that faces the air or a cable's bytes, and how hard it is fuzzed.

Each has a file of its name in `kernel_parsers/`, which runs on both runtimes, or `host_parsers/`:

    MODULES       the code whose lines are to be reached
    seeds()       good inputs, and such as were hard to find
    take(data)    one run: returns what came of it as bytes; any exception is a finding
"""

from dataclasses import dataclass

_KERNEL, _HOST = "kernel", "cma_toolkit"


@dataclass(frozen=True)
class Parser:
    """One parser.

    Units: `runs` of a hunt by the figure; `bytes_max` of an input; a run allocates no more at once
    than `heap_bytes` and, of each byte of its input, `heap_per_byte`.
    """

    name: str
    runs: int
    bytes_max: int = 512
    heap_bytes: int = 16_384
    heap_per_byte: int = 64
    is_host: bool = False

    @property
    def module(self) -> str:
        """Return the name of its file for an import."""
        return f"fuzz.{'host' if self.is_host else 'kernel'}_parsers.{self.name}"

    @property
    def instrumented(self) -> str:
        """Return the package in which coverage guides."""
        return _HOST if self.is_host else _KERNEL


_ALL = (
    Parser("cbor", 150_000),
    Parser("messages", 100_000),
    Parser("cobs", 40_000),
    Parser("fragments", 40_000, 1_024),
    Parser("talk", 60_000),
    Parser("documents", 40_000, 2_048),
    Parser("papers", 60_000, 1_024, 40_960),
    Parser("vcdiff", 100_000),
    Parser("lms", 20_000, 4_096),
    Parser("handshake", 40_000, 1_100),
    Parser("resumption", 40_000, 64),
    Parser("certificate", 60_000, 256),
    Parser("token", 60_000, 256),
    Parser("protection", 40_000, 1_024),
)
PARSERS = {parser.name: parser for parser in _ALL}
