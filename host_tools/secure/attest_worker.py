"""One board's share of `cma attest`: lend it the code, ask it, bring back what it signed.

A worker process: `python -m cma_toolkit.host_tools.secure.attest_worker`. It judges nothing, and
writes nothing to the board.
"""

import os
import time
from typing import Any

from cma_toolkit.firmware.kernel.secure.token import ASK_BYTES
from cma_toolkit.host_tools.errors import no_device, refused
from cma_toolkit.host_tools.image.chips import BOOTLOADER_OFFSETS
from cma_toolkit.host_tools.ports.facts import Facts, facts_of
from cma_toolkit.host_tools.ports.lending import lend
from cma_toolkit.host_tools.ports.session import BoardSession
from cma_toolkit.host_tools.ports.workers import Reporter, serve
from cma_toolkit.host_tools.provision.desired import KEYS, SECRET_KEYS
from cma_toolkit.host_tools.provision.worker import SHADOWS

MODULE = "cma_toolkit.host_tools.secure.attest_worker"
SCRIPT = "attest"
LENT = ("secure.token", "secure.ed25519", "secure.identity")
SCRIPT_S = RESET_S = 60.0  # a loader may first look at all of a damaged slot


def handle(request: dict[str, Any], report: Reporter) -> dict[str, Any]:
    """Ask the board at `request["url"]`, if it is enrolled, and one of `macs` if there are any."""
    report.step("connect")
    with BoardSession(request["url"], wait_s=request["wait_s"]) as session:
        facts = facts_of(session.run_script("probe"))
        check(facts, request)
        # What an application left in memory must not be asked, and takes room.
        session.soft_reset(run_main=False, timeout_s=RESET_S)
        report.step("lend code")
        lend(session, *LENT)
        report.step("measure")
        nonce = os.urandom(ASK_BYTES)
        asked_s = time.monotonic()
        reply = session.run_script(
            SCRIPT,
            timeout_s=SCRIPT_S,
            nonce=nonce.hex(),
            keys=[key for key in KEYS if key not in SECRET_KEYS],
            shadows=list(SHADOWS),
            bootloader=BOOTLOADER_OFFSETS[facts.chip],
        )
        took_ms = int(1000 * (time.monotonic() - asked_s))
        report.step("restart")
        session.soft_reset(timeout_s=RESET_S)
    if reply["token"] is None:
        raise refused(
            f"{facts.mac} at {request['url']} has lost the key that it was enrolled with: enrol "
            "it anew with cma provision."
        )
    return {
        "mac": facts.mac,
        "chip": facts.chip,
        "nonce": nonce.hex(),
        "took_ms": took_ms,
        "reply": reply,
    }


def check(facts: Facts, request: dict[str, Any]) -> None:
    """Refuse a board that was not meant, or that cannot be one of ours.

    Raises: CmaError 3 or 4.
    """
    if request["macs"] and facts.mac not in request["macs"]:
        raise no_device(
            f"{request['url']} is {facts.name or facts.mac} now, not {request['named']}: "
            "run cma devices, then this again."
        )
    if facts.chip not in BOOTLOADER_OFFSETS:
        raise refused(f"The board at {request['url']} has no chip that cma knows: run cma flash.")
    if facts.mac not in request["enrolled"]:
        # Nor is it asked: to look for keys where none ever were would write their namespace.
        raise refused(not_enrolled(facts.mac))


def not_enrolled(mac: str) -> str:
    """Return what is to be said of a board whose key nobody knows."""
    return f"{mac} is not enrolled in this project: enrol it with cma provision."


if __name__ == "__main__":
    serve(handle)
