"""How many handshakes of others ours agrees with, to the byte.

The two of RFC 9529, in both roles; 1,000 drawn ones of an independently written reference, in both
roles, on CPython and on MicroPython; 20 in each role with lakers, which is in Rust.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from cma_toolkit.host_tools.secure.handshakes import AnyHandshake, crypto_of
from support import edhoc_cases, edhoc_lakers
from support.edhoc_replay import Case

DRAWN, WITH_LAKERS = 1_000, 20
PUBLISHED = 2
UNIT = "agreed"
AT_LEAST = 2 * PUBLISHED + 2 * DRAWN + 2 * WITH_LAKERS


def measure(say: Callable[[str], None]) -> int:
    """Play all of them."""
    counts = [
        ("RFC 9529, both roles", _published(), 2 * PUBLISHED),
        ("lakers, we begin", _counted(edhoc_lakers.begins), WITH_LAKERS),
        ("lakers, we answer", _counted(edhoc_lakers.answers), WITH_LAKERS),
    ]
    cases = [edhoc_cases.drawn(seed) for seed in range(DRAWN)]
    for runtime in ("CPython", "MicroPython"):
        with tempfile.TemporaryDirectory() as folder:
            good, printed = edhoc_cases.replayed(cases, runtime, Path(folder))
        if good < DRAWN:
            say(printed)
        counts.append((f"the reference, both roles, {runtime}", good, DRAWN))
    for name, good, of in counts:
        say(f"{name}: {good} of {of}")
    return sum(good for _, good, _ in counts)


def _published() -> int:
    good = 0
    for fields in edhoc_cases.published()["sessions"]:
        method = fields["method"]

        class Side(AnyHandshake):
            pass

        Side.method = method
        signs = (method in (0, 1), method in (0, 2))
        case = Case(fields, crypto_of(fields["suites"][-1]), Side, signs)
        good += case.plays_initiator(fields) + case.plays_responder(fields)
    return good


def _counted(plays: Callable[[int], bool]) -> int:
    return sum(plays(number) for number in range(WITH_LAKERS))
