"""The agent as a process of this computer, as a person starts it."""

import signal
import socket
import sqlite3
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from cma_toolkit.host_tools.agent.ending import GRACE_S
from cma_toolkit.host_tools.agent.sqlite_table import SqliteTable
from cma_toolkit.host_tools.errors import ExitCode
from kernel.effects import Effects
from kernel.recovery.boots import load
from kernel.recovery.safe_mode import SafeMode
from support.agent_process import AgentProcess, command

TALK = """
def setup(agent):
    @agent.every(100)
    def talk():
        agent.publish("hello", {"from": agent.name, "half": 0.5})
"""

HEAR = """
def setup(agent):
    @agent.on("hello")
    def hello(message):
        agent.report("heard", [message.source, message.value])
"""

COUNT = """
def setup(agent):
    agent.report("resumed", agent.state.get("n", 0))
    agent.state.critical("n")

    @agent.every(20)
    def count():
        agent.state["n"] = agent.state.get("n", 0) + 1
        agent.report("n", agent.state["n"])
"""

HANG = """
def setup(agent):
    agent.report("resumed", agent.state.get("n", 0))

    @agent.every(20)
    def hang():
        agent.state["n"] = 1
        agent.report("hangs", 0)
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
"""

TASK = """
import asyncio

def setup(agent):
    async def beside():
        for number in range(3):
            await asyncio.sleep(0.01)
            agent.publish("hello", number)
        agent.report("task", "done")
        raise ValueError("in a task")

    agent.task = asyncio.create_task(beside())
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def cluster() -> str:
    """Return a name that no other test on this computer uses."""
    return f"test-{uuid.uuid4().hex}"


def ended_in_order(state: Path) -> bool:
    table = SqliteTable(state)
    recovery = SafeMode(table)
    load(recovery, Effects())
    table.close()
    assert recovery.boots
    return recovery._is_clean


def refuse(*arguments: str, cwd: Path) -> tuple[int, str]:
    done = subprocess.run(
        command(*arguments, "--seconds", "0"),
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        check=False,
    )
    return done.returncode, done.stderr.strip().splitlines()[-1]


def test_two_processes_that_name_each_other_exchange_messages(tmp_path: Path) -> None:
    first, second = free_ports(2)
    talker = AgentProcess(tmp_path / "a", TALK, "--name", "talker", "--port", str(first),
                          "--peer", f"127.0.0.1:{second}")  # fmt: skip
    hearer = AgentProcess(tmp_path / "b", HEAR, "--name", "hearer", "--port", str(second),
                          "--peer", f"127.0.0.1:{first}")  # fmt: skip
    with talker, hearer:
        hearer.wait(lambda f: f.get("value") == ["talker", {"from": "talker", "half": 0.5}])
        status = hearer.wait(lambda f: f["kind"] == "status" and f["neighbours"] == 1)
        assert status["app"] == "running" and status["links"] == ["udp"]
        for process in (talker, hearer):
            code, said = process.end(signal.SIGINT)
            assert code == ExitCode.OK and "Traceback" not in said


def test_agents_on_one_computer_hear_each_others_broadcasts(tmp_path: Path) -> None:
    ours, theirs, port = cluster(), cluster(), str(free_ports(1)[0])
    with (
        AgentProcess(tmp_path / "b", HEAR, "--cluster", ours, "--port", port) as hearer,
        AgentProcess(tmp_path / "c", HEAR, "--name", "foreign", "--cluster", theirs,
                     "--port", port) as foreign,
        AgentProcess(tmp_path / "a", TALK, "--name", "talker", "--cluster", ours,
                     "--port", port) as talker,
    ):  # fmt: skip
        hearer.wait(lambda f: f.get("value", [""])[0] == "talker" if f.get("what") else False)
        status = foreign.wait(
            lambda f: f["kind"] == "status" and f["dropped"].get("other network", 0) > 0
        )
        assert status["received"] == 0
        # What it broadcasts comes back to its own socket and is not even looked at.
        status = talker.wait(lambda f: f["kind"] == "status" and f["sent"] > 5)
        assert "echo" not in status["dropped"]


def test_two_agents_of_one_name_on_one_computer_are_told(tmp_path: Path) -> None:
    options = ("--cluster", cluster(), "--port", str(free_ports(1)[0]))
    with (
        AgentProcess(tmp_path / "a", TALK, *options) as first,
        AgentProcess(tmp_path / "b", TALK, *options) as second,
    ):
        assert "--name" in first.wait_event("twin")["value"]
        assert "--name" in second.wait_event("twin")["value"]


def test_critical_state_outlives_a_kill_and_an_end_counts_as_orderly(tmp_path: Path) -> None:
    port = str(free_ports(1)[0])
    options = ("--state", "agent.db", "--port", port)
    with AgentProcess(tmp_path / "a", COUNT, *options) as process:
        assert process.wait_event("started")["value"] == 1
        assert process.wait_app("resumed") == 0
        for _ in range(10):
            last = process.wait_app("n")
        process.kill()
    with AgentProcess(tmp_path / "a", COUNT, *options) as process:
        assert process.wait_event("started")["value"] == 2
        resumed = process.wait_app("resumed")
        assert resumed >= last - 1  # the last was said before it was committed
        process.wait_app("n")
        code, _ = process.end()
        assert code == ExitCode.OK
    with AgentProcess(tmp_path / "a", COUNT, *options) as process:
        assert process.wait_app("resumed") > resumed


@pytest.mark.parametrize("signals", [(signal.SIGTERM,), (signal.SIGINT, signal.SIGTERM)])
def test_an_agent_whose_handler_hangs_is_ended_and_that_is_no_orderly_end(
    tmp_path: Path, signals: tuple[int, ...]
) -> None:
    options = ("--state", "agent.db", "--port", str(free_ports(1)[0]))
    with AgentProcess(tmp_path / "a", HANG, *options) as process:
        process.wait_app("hangs")
        began_s = time.monotonic()
        for number in signals[:-1]:
            process.ask(number)
        code, said = process.end(signals[-1])
        took_s = time.monotonic() - began_s
    assert code == ExitCode.INTERRUPTED
    (sentence,) = (line for line in said.splitlines() if not line.startswith("--"))
    assert "app.py, line 1" in sentence and "did not return" in sentence
    assert (took_s < GRACE_S) == (len(signals) > 1)  # who asks twice need not wait
    assert not ended_in_order(tmp_path / "a" / "agent.db")


def test_an_orderly_end_stands_more_signals(tmp_path: Path) -> None:
    app = COUNT.replace('    agent.state.critical("n")\n', "")
    options = ("--state", "agent.db", "--port", str(free_ports(1)[0]))
    with AgentProcess(tmp_path / "a", app, *options) as process:
        last = process.wait_app("n")
        process.ask(signal.SIGINT)
        process.ask(signal.SIGTERM)
        assert process.end(signal.SIGINT)[0] == ExitCode.OK
    assert ended_in_order(tmp_path / "a" / "agent.db")
    with AgentProcess(tmp_path / "a", app, *options) as process:
        assert process.wait_app("resumed") >= last


def test_what_was_not_critical_is_committed_at_the_end(tmp_path: Path) -> None:
    app = COUNT.replace('    agent.state.critical("n")\n', "")
    options = ("--state", "agent.db", "--port", str(free_ports(1)[0]))
    with AgentProcess(tmp_path / "a", app, *options) as process:
        last = process.wait_app("n")
        assert process.end()[0] == ExitCode.OK
    with AgentProcess(tmp_path / "a", app, *options) as process:
        assert process.wait_app("resumed") >= last


def test_an_error_of_the_application_is_contained(tmp_path: Path) -> None:
    app = TALK + "    @agent.every(50)\n    def broken():\n        1 // 0\n"
    with AgentProcess(tmp_path / "a", app, "--port", str(free_ports(1)[0])) as process:
        event = process.wait_event("app error")
        assert event["where"] == "broken" and "ZeroDivisionError" in event["traceback"]
        process.wait(lambda f: f["kind"] == "status" and f["app_errors"] and f["sent"] > 2)


def test_a_broken_setup_leaves_a_bare_agent(tmp_path: Path) -> None:
    app = "def setup(agent):\n    agent.sensor('moon')\n"
    with AgentProcess(tmp_path / "a", app, "--port", str(free_ports(1)[0])) as process:
        event = process.wait_event("app error")
        assert event["where"] == "setup" and "--sensor moon=VALUE" in event["value"]
        process.wait(lambda f: f["kind"] == "status" and f["app"] == "failed" and f["sent"])


def test_tasks_of_the_application_run_beside_the_agent(tmp_path: Path) -> None:
    first, second = map(str, free_ports(2))
    hearer = AgentProcess(tmp_path / "b", HEAR, "--port", second, "--peer", f"127.0.0.1:{first}")
    with hearer:
        hearer.wait_event("started")  # what the task says, it says once
        options = ("--port", first, "--peer", f"127.0.0.1:{second}")
        with AgentProcess(tmp_path / "a", TASK, *options) as process:
            assert process.wait_app("task") == "done"
            assert hearer.wait_app("heard")[1] in (0, 1, 2)
            assert process.end()[0] == ExitCode.OK


def test_sensors_are_given_or_drivers_and_actuators_are_shown(tmp_path: Path) -> None:
    app = (
        "def setup(agent):\n"
        "    agent.report('read', [agent.sensor(s).read() for s in ('given', 'table', 'own')])\n"
        "    agent.actuator('pump').write(3)\n"
        "    agent.actuator('lamp').write(True)\n"
    )
    folder = tmp_path / "a"
    (folder / "drivers").mkdir(parents=True)
    (folder / "table.csv").write_text("0,250\n")
    (folder / "drivers" / "own.py").write_text(
        "class Own:\n    def read(self): return 7\n\n"
        "def make(board):\n    assert board.settings.whole('wake_period_ms', 5) == 5\n"
        "    return Own()\n"
    )
    (folder / "drivers" / "pump.py").write_text("from machine import Pin\n")
    arguments = ("--sensor", "given=42", "--sensor", "table=@table.csv")
    with AgentProcess(folder, app, *arguments, "--port", str(free_ports(1)[0])) as process:
        assert process.wait_app("read") == [42, 250, 7]
        shown = process.wait_event("actuator only shown")["value"]
        assert "pump" in shown and "needs the module machine" in shown
        written = process.wait_event("actuator")
        assert (written["what"], written["value"]) == ("pump", 3)
        assert "there is no" in process.wait_event("actuator only shown")["value"]


APPS = {
    "missing": (None, "no such file"),
    "syntax": ("def setup(", "correct it"),
    "raises": ("1 // 0\n", "ZeroDivisionError"),
    "no setup": ("x = 1\n", "add one"),
}


@pytest.mark.parametrize("case", APPS)
def test_an_application_that_cannot_be_loaded_is_refused(tmp_path: Path, case: str) -> None:
    source, says = APPS[case]
    if source is not None:
        (tmp_path / "app.py").write_text(source)
    code, said = refuse("app.py", cwd=tmp_path)
    assert code == ExitCode.USAGE and says in said


def test_what_is_typed_wrong_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(TALK)
    (tmp_path / "text.db").write_text("this is no database, but long enough to be looked at" * 50)
    with sqlite3.connect(tmp_path / "photos.db") as foreign:
        foreign.execute("CREATE TABLE photos (a)")
    foreign.close()
    cases = {
        ("--peer", "host:port"): (ExitCode.USAGE, "HOST:PORT"),
        ("--peer", "no-such-host.invalid"): (ExitCode.NO_DEVICE, "nobody knows the host"),
        ("--name", "n" * 33): (ExitCode.USAGE, "at most 32 bytes"),
        ("--sensor", "soil"): (ExitCode.USAGE, "NAME=VALUE"),
        ("--set", "wake_perod_ms=1"): (ExitCode.USAGE, "wake_period_ms"),
        ("--state", "text.db"): (ExitCode.REFUSED, "name another file"),
        ("--state", "photos.db"): (ExitCode.REFUSED, "name another file"),
        ("--state", "no/such/folder/a.db"): (ExitCode.REFUSED, "name another file"),
    }
    for arguments, (code, says) in cases.items():
        got, said = refuse("app.py", *arguments, cwd=tmp_path)
        assert (got, says in said) == (code, True), f"{arguments}: {got} {said}"


def test_a_state_file_of_another_agent_is_refused_while_it_runs(tmp_path: Path) -> None:
    first, second = map(str, free_ports(2))
    with AgentProcess(tmp_path / "a", COUNT, "--state", "agent.db", "--port", first) as process:
        process.wait_app("n")
        code, said = refuse("app.py", "--state", "agent.db", "--port", second, cwd=tmp_path / "a")
        assert code == ExitCode.REFUSED and "another process has it open" in said
        last = process.wait_app("n")  # and goes on
        process.kill()
    with AgentProcess(tmp_path / "a", COUNT, "--state", "agent.db", "--port", first) as process:
        assert process.wait_app("resumed") >= last - 1


def test_a_port_that_another_program_has_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(TALK)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        port = str(taken.getsockname()[1])
        code, said = refuse("app.py", "--port", port, cwd=tmp_path)
    assert code == ExitCode.NO_DEVICE and "--port" in said


def test_a_person_reads_lines(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(TALK)
    done = subprocess.run(
        command("app.py", "--name", "pi", "--seconds", "0.5", "--port", str(free_ports(1)[0])),
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == ExitCode.OK
    assert "[started] " in done.stdout and "[pi] up" in done.stdout
    assert "pi hears UDP port" in done.stderr and "--state FILE" in done.stderr
