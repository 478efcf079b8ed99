"""One board's share of `cma provision`: read it, or bring it to what its row says and prove it.

A worker process: `python -m cma_toolkit.host_tools.provision.worker`. What is secret arrives on
standard input and goes to the board; it is in no result, note or message.
"""

import base64
from typing import Any

from cma_toolkit.host_tools.errors import verify_failed
from cma_toolkit.host_tools.ports.ampy_files import AmpyFiles
from cma_toolkit.host_tools.ports.facts import chip_of
from cma_toolkit.host_tools.ports.files import Files
from cma_toolkit.host_tools.ports.session import BoardSession
from cma_toolkit.host_tools.ports.workers import Reporter, serve
from cma_toolkit.host_tools.provision.actual import Actual, from_reply, to_json
from cma_toolkit.host_tools.provision.desired import KEYS, SECRET_KEYS

SCRIPT = "provision"
SELF_TEST = "provision_check"


def handle(request: dict[str, Any], report: Reporter) -> dict[str, Any]:
    """Do `request["do"]`: read, self_test or apply."""
    if request["do"] == "apply" and request["via"] == "ampy":
        report.step("copy files")
        with AmpyFiles(request["url"]) as files:
            _copy(files, request, report)
    report.step("connect")
    with BoardSession(request["url"], wait_s=request["wait_s"]) as session:
        # Our Ctrl-C may have cut boot.py short before it mounted /user.
        session.run_script(SCRIPT, do="make_ready")
        if request["do"] == "read":
            report.step("read")
            return to_json(_read(session, request))
        if request["do"] == "self_test":
            return _self_test(session, request, report)
        return _apply(session, request, report)


def _read(session: BoardSession, request: dict[str, Any]) -> Actual:
    reply = session.run_script(
        SCRIPT,
        do="read",
        salt=request["salt"],
        keys=list(KEYS),
        secrets=list(SECRET_KEYS),
    )
    hashes = session.hashes(request["paths"]) if request["paths"] else {}
    return from_reply(reply, chip_of(reply["machine"]), hashes)


def _apply(session: BoardSession, request: dict[str, Any], report: Reporter) -> dict[str, Any]:
    if request["via"] != "ampy":
        report.step("copy files")
        _copy(session, request, report)
    if request["revision_changes"]:
        report.step("write settings")
        session.run_script(
            SCRIPT,
            do="write",
            values={**request["values"], **request["secret_values"]},
            erase=request["erase"],
            revision=request["revision"],
        )
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


def _copy(files: Files, request: dict[str, Any], report: Reporter) -> None:
    copies = {path: base64.b64decode(data) for path, data in request["copies"].items()}
    for folder in sorted({path.rpartition("/")[0] for path in copies}):
        files.mkdir(folder)
    for done, (path, data) in enumerate(copies.items(), 1):
        files.put(path, data)
        report.progress(done, len(copies))


def _verify(actual: Actual, request: dict[str, Any]) -> None:
    """Hold what the board now tells against what it shall hold.

    Raises: CmaError 5 naming what differs.
    """
    found: dict[str, object] = {**to_json(actual)["values"], **actual.fingerprints}
    found |= {path: actual.hashes.get(path) for path in request["paths"]}
    found["mac"] = actual.mac
    wanted = request["expected"]
    wrong = sorted(key for key in {*wanted, *found} if wanted.get(key) != found.get(key))
    if wrong:
        raise verify_failed(
            f"{request['url']}: {', '.join(wrong)} read back otherwise than written. "
            "Run the command again."
        )


if __name__ == "__main__":
    serve(handle)
