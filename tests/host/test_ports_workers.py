"""A process per board: what it tells arrives, and however it ends costs that board only."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.ports.workers import Event, Job, Outcome, run_jobs

WORKER = "support.obedient_worker"


@pytest.fixture(autouse=True)
def worker_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


def run(*requests: dict[str, Any], **options: Any) -> tuple[list[Outcome], list[Event]]:
    events: list[Event] = []
    jobs = [Job(f"board-{n}", f"/dev/tty{n}", WORKER, it) for n, it in enumerate(requests)]
    return run_jobs(jobs, events.append, **options), events


def test_steps_progress_and_result_arrive_and_prints_do_not_disturb() -> None:
    (outcome,), events = run({"progress": 2, "value": {"bytes": 7}})
    assert [(event.kind, event.fields) for event in events] == [
        ("step", {"name": "write"}),
        ("progress", {"done": 1, "total": 2}),
        ("progress", {"done": 2, "total": 2}),
        ("note", {"text": "half way"}),
    ]
    assert outcome.code == ExitCode.OK
    assert outcome.value["bytes"] == 7
    assert outcome.took_s > 0


def test_each_board_has_a_process_of_its_own() -> None:
    outcomes, _events = run({}, {})
    assert len({os.getpid(), *(outcome.value["pid"] for outcome in outcomes)}) == 3


def test_a_worker_goes_by_the_command_that_a_person_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/cma", "flash", "--all"])
    (outcome,), _events = run({})
    assert outcome.value["command"] == "cma flash --all"


def test_failures_keep_their_code_and_sentence_and_the_order_of_the_jobs() -> None:
    ended: list[str] = []
    outcomes, _events = run(
        {"code": 5}, {}, {"crash": True}, on_end=lambda outcome: ended.append(outcome.job.label)
    )
    assert [int(outcome.code) for outcome in outcomes] == [5, 0, 1]
    assert outcomes[0].message == "the board is wet. Dry it."
    assert "out of luck" in outcomes[2].message
    assert sorted(ended) == ["board-0", "board-1", "board-2"]


def test_a_worker_that_hangs_is_ended() -> None:
    outcomes, _events = run({"hang": True}, {}, timeout_s=1.5)
    assert [int(outcome.code) for outcome in outcomes] == [ExitCode.TIMEOUT, ExitCode.OK]
    assert "Run the command again" in outcomes[0].message
