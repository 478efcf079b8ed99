"""One board's share of `cma provision`: read it, or bring it to what its row says and prove it.

A worker process: `python -m cma_toolkit.host_tools.provision.worker`. What is secret arrives on
standard input and goes to the board; it is in no result, note or message.
"""

from typing import Any

from cma_toolkit.host_tools.errors import refused, verify_failed
from cma_toolkit.host_tools.ports.facts import chip_of
from cma_toolkit.host_tools.ports.lending import lend
from cma_toolkit.host_tools.ports.session import BoardSession
from cma_toolkit.host_tools.ports.workers import Reporter, serve
from cma_toolkit.host_tools.provision.actual import Actual, from_reply, to_json
from cma_toolkit.host_tools.provision.desired import KEYS, SECRET_KEYS

SCRIPT = "provision"
SHADOWS = ("/user/app.py", "/user/app.mpy")  # a developer's, which runs instead of the image's
SELF_TEST = "provision_check"
ENROL = "enrol"
KEY_MAKERS = ("secure.entropy", "secure.identity", "secure.pure")
KEYS_S = 60.0  # a board computes seven points of its curves, half a second each


def handle(request: dict[str, Any], report: Reporter) -> dict[str, Any]:
    """Do `request["do"]`: read, self_test, keys or apply."""
    report.step("connect")
    is_last = request["do"] != "keys"  # after its keys a board waits for their certificate
    with BoardSession(request["url"], wait_s=request["wait_s"], resume=is_last) as session:
        if not session.run_script(SCRIPT, do="is_ready"):
            # Our Ctrl-C cut boot.py short, or the board was at an update or in recovery.
            session.soft_reset(run_main=False)
        if request["do"] == "read":
            report.step("read")
            return to_json(_read(session, request))
        if request["do"] == "self_test":
            return _self_test(session, request, report)
        if request["do"] == "keys":
            return _make_keys(session, request, report)
        return _apply(session, request, report)


def _make_keys(session: BoardSession, request: dict[str, Any], report: Reporter) -> dict[str, Any]:
    report.step("make keys")
    session.soft_reset(run_main=False)  # whatever ran leaves its memory to what is lent
    lend(session, *KEY_MAKERS)
    asked = {name: request[name] for name in ("keys", "nonce", "ephemeral")}
    proof = session.run_script(ENROL, do="make", timeout_s=KEYS_S, **asked)
    if not proof:
        raise refused(
            f"{request['url']}: its random numbers are not good enough for keys. Run this again; "
            "if it says so twice, put this board aside."
        )
    return {"proof": proof}


def _read(session: BoardSession, request: dict[str, Any]) -> Actual:
    reply = session.run_script(
        SCRIPT,
        do="read",
        salt=request["salt"],
        keys=list(KEYS),
        secrets=list(SECRET_KEYS),
        shadows=list(SHADOWS),
    )
    return from_reply(reply, chip_of(reply["machine"]))


def _apply(session: BoardSession, request: dict[str, Any], report: Reporter) -> dict[str, Any]:
    if request["set_aside"]:
        report.step("set aside")
        session.run_script(SCRIPT, do="set_aside", paths=request["set_aside"])
    if request["revision_changes"]:
        report.step("write settings")
        session.run_script(
            SCRIPT,
            do="write",
            values={**request["values"], **request["secret_values"]},
            erase=request["erase"],
            revision=request["revision"],
        )
    if any(request["keep"].values()):
        report.step("enrol")
        session.run_script(ENROL, do="keep", **request["keep"])
    report.step("read back")
    _verify(_read(session, request), request)
    report.step("restart")
    session.soft_reset()
    return {"mac": request["mac"], "revision": request["revision"]}


def _self_test(session: BoardSession, request: dict[str, Any], report: Reporter) -> dict[str, Any]:
    report.step("self-test")
    findings = session.run_script(SELF_TEST, pins=request["pins"])
    failed = [f"{name} ({text})" for name, passed, text in findings if not passed]
    if failed:
        raise verify_failed(f"self-test: {', '.join(failed)}. Put this board aside.")
    return {"tests": {name: text for name, _passed, text in findings}}


def _verify(actual: Actual, request: dict[str, Any]) -> None:
    """Hold what the board now tells against what it shall hold.

    Raises: CmaError 5 naming what differs.
    """
    found: dict[str, object] = {**to_json(actual)["values"], **actual.fingerprints}
    kept = to_json(actual)["kept"]
    found |= {name: kept[name] for name in request["expected_identity"]}
    found |= {"mac": actual.mac, "image": actual.image, "shadows": list(actual.shadows)}
    wanted = {**request["expected"], **request["expected_identity"]}
    wrong = sorted(key for key in {*wanted, *found} if wanted.get(key) != found.get(key))
    if wrong:
        raise verify_failed(
            f"{request['url']}: {', '.join(wrong)} read back otherwise than written. "
            "Run the command again."
        )


if __name__ == "__main__":
    serve(handle)
