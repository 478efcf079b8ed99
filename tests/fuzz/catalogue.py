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
        """Return the name of its file, as an import has it."""
        return f"fuzz.{'host' if self.is_host else 'kernel'}_parsers.{self.name}"

    @property
    def package(self) -> str:
        """Return the package whose coverage guides a hunt."""
        return _HOST if self.is_host else _KERNEL


_ALL = (
    Parser("cbor", 250_000),
    Parser("messages", 220_000),
    Parser("cobs", 10_000),
    Parser("fragments", 10_000, 1_024),
    Parser("packed", 15_000, 1_100, 32_768),
    Parser("talk", 150_000),
    Parser("documents", 6_000, 2_048),
    Parser("papers", 100_000, 1_024, 40_960),
    Parser("vcdiff", 180_000),
    Parser("lms", 10_000, 4_096),
    Parser("handshake", 6_000, 1_100, 32_768),
    Parser("resumption", 20_000, 64),
    Parser("certificate", 6_000, 256),
    Parser("revocation", 6_000, 256),
    Parser("token", 6_000, 256),
    Parser("protection", 2_000, 1_024),
    Parser("calls", 300, 512, 131_072),
    Parser("agent", 700, 1_024, 131_072),
    Parser("edge", 600, 1_024, 131_072, is_host=True),
    Parser("updater", 400, 3_072, 262_144, is_host=True),
    Parser("flash_images", 20_000, 1_024, 262_144, is_host=True),
    Parser("replies", 15_000, 4_096, 65_536, is_host=True),
    Parser("release_files", 6_000, 2_048, 65_536, is_host=True),
)
PARSERS = {parser.name: parser for parser in _ALL}
