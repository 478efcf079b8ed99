"""How many examples of RFC 8949, appendix A, each runtime reads and writes as the standard says.

The list is that of the `cbor/test-vectors` project, older than RFC 8949: its simple(24) in two
bytes is no longer well-formed (section 3.3), so the right answer to that one is a refusal.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cbor2

from cma_toolkit.sim.world import micropython

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "twin" / "vectors" / "rfc8949_appendix_a.json"
SCRIPT = ROOT / "tests" / "support" / "cbor_vectors.py"
EXAMPLES: list[dict[str, Any]] = json.loads(VECTORS.read_text())
NO_LONGER = {"f818"}
# What the appendix writes in ways of its own, floats as their shortest encodings.
NOTATIONS = {
    "Infinity": "f97c00",
    "-Infinity": "f9fc00",
    "NaN": "f97e00",
    "1(1363896240.5)": "1(fb41d452d9ec200000)",
    "(_ h'0102', h'030405')": "h'0102030405'",
}


def expected(example: dict[str, Any]) -> str:
    """Return what an example reads as, in the notation of the script."""
    if "decoded" not in example:
        return NOTATIONS.get(example["diagnostic"], example["diagnostic"])
    return shown(example["decoded"])


def shown(value: Any) -> str:
    """Return a JSON value in the notation of the script."""
    if isinstance(value, float):
        return cbor2.dumps(value, canonical=True).hex()
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    if isinstance(value, dict):
        rows = sorted(f"{shown(key)}: {shown(item)}" for key, item in value.items())
        return "{" + ", ".join(rows) + "}"
    return f'"{value}"' if isinstance(value, str) else json.dumps(value)


def failures(runtime: str) -> list[str]:
    """Return the examples that a runtime fails."""
    command = [sys.executable] if runtime == "CPython" else micropython.interpreter()
    path = str(ROOT / "firmware")
    ended = subprocess.run(
        [*command, str(SCRIPT), str(VECTORS)],
        env={**os.environ, "PYTHONPATH": path, "MICROPYPATH": f"{path}:.frozen"},
        capture_output=True,
        text=True,
        check=True,
    )
    failed = []
    for example, (value, data) in zip(EXAMPLES, json.loads(ended.stdout), strict=True):
        if example["hex"] in NO_LONGER:
            is_right = data == ""
        else:
            is_right = value == expected(example) and (
                not example["roundtrip"] or data == example["hex"]
            )
        if not is_right:
            failed.append(f"{runtime} reads {example['hex']} as {value}, writes {data}")
    return failed
