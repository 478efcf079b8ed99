"""`cma sim run FILE.toml` and `cma sim swarm` as a person types them."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from support.cma_sim import cma_sim

# It takes nothing but a whole number for granted, and stops trusting anyone once it was cut off.
FRAIL = """
def setup(agent):
    agent.state.setdefault("beats", 0)
    last = {}

    @agent.every(2_000)
    def beat():
        agent.state["beats"] += 1
        agent.publish("beat", agent.state["beats"])

    @agent.on("beat")
    def hear(message):
        before = last.get(message.source, message.value)
        last[message.source] = message.value
        if message.value > before + 15:
            raise ValueError("where were you?")
"""
FARM = """
[who]
app = "app.py"
agents = 3
[when]
minutes = 2
calm_minutes = 2
[faults]
draw = ["isolate", "crash"]
[must]
state_at_least = { beats = 70 }
"""


@pytest.fixture
def farm(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(FRAIL)
    (tmp_path / "farm.toml").write_text(FARM)
    return tmp_path


def test_who_is_set_to_sleep_has_the_time_of_sleepers_to_recover(farm: Path) -> None:
    (farm / "farm.toml").write_text(FARM.replace("calm_minutes = 2\n", "") + 'agree = ["none"]\n')
    run = cma_sim("run", "farm.toml", "--set", "wake_period_ms=60000", cwd=farm)
    assert run.returncode == ExitCode.SOME_FAILED
    assert f"not within {3 * 120 + 45 * 60} s after" in run.stderr, run.stderr


def test_a_failure_is_one_line_that_replays_it(farm: Path) -> None:
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "farm"]):
        subprocess.run([*git, *words], cwd=farm, check=True)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=farm,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    swarms = [
        cma_sim("swarm", "farm.toml", "--seeds", "8", "--jobs", jobs, "--agents", "4", cwd=farm)
        for jobs in ("1", "2")
    ]
    assert [swarm.returncode for swarm in swarms] == [ExitCode.SOME_FAILED] * 2
    assert swarms[0].stdout.splitlines()[-1] == swarms[1].stdout.splitlines()[-1]
    lines = [line for line in swarms[1].stderr.splitlines() if "replay: " in line]
    assert 0 < len(lines) < 8
    assert re.match(rf"seed \d+, commit {commit}, cma .*: agent-0\d raised ValueError", lines[0])
    words = shlex.split(lines[0].partition("replay: ")[2])
    assert words[:4] == ["cma", "sim", "run", "farm.toml"] and "--agents" in words
    again = cma_sim(*words[2:], cwd=farm)
    assert again.returncode == ExitCode.SOME_FAILED
    assert again.stderr.splitlines()[-1] == lines[0]


def test_a_swarm_counts_and_can_stop_at_the_first_failure(farm: Path) -> None:
    run = cma_sim("swarm", "farm.toml", "--seeds", "8", "--jobs", "1", "-o", "json", cwd=farm)
    told = json.loads(run.stdout)
    assert told["runs"] == 8 and told["virtual_seconds"] == 8 * 240
    assert set(told["faults"]) == {"isolate", "crash"} and told["events"] > 8 * 100
    first = told["failed"][0]["seed"]
    stopped = cma_sim("swarm", "farm.toml", "--seeds", "8", "--jobs", "1", "--first", cwd=farm)
    seeds = "1 seed" if first == 1 else f"{first} seeds"
    assert stopped.stdout.startswith(f"{seeds}, 1 failed: ")
    assert re.search(r"min simulated, [\d,.]+ times real time, [\d,]+ events/s", stopped.stdout)


def test_without_faults_all_is_well(farm: Path) -> None:
    run = cma_sim(
        "swarm", "farm.toml", "--seeds", "4", "--jobs", "2", "--faults", "none", cwd=farm
    )
    assert run.returncode == ExitCode.OK and "4 seeds, 0 failed" in run.stdout
    run = cma_sim("swarm", "farm.toml", "--seeds", "1", "--faults", "none", cwd=farm)
    assert run.stdout.startswith("1 seed, 0 failed: ")


def test_a_seed_that_draws_nothing_says_so(farm: Path) -> None:
    told = {
        line
        for seed in range(1, 7)
        for line in cma_sim(
            "run", "farm.toml", "--faults", "crash", "--seed", str(seed), cwd=farm
        ).stdout.splitlines()
        if line.startswith("faults: ")
    }
    assert "faults: crash" in {line[:13] for line in told}
    assert any(re.fullmatch(r"faults: seed \d draws none", line) for line in told)


def test_a_run_says_what_went_wrong_in_it_and_that_all_held(farm: Path) -> None:
    (farm / "whole.toml").write_text(
        FARM.replace("[must]", '[[faults.at]]\nkind = "isolate"\nagent = "agent-02"\n'
                     "start_s = 5\nend_s = 25\n[must]").replace("draw", "# draw")
    )  # fmt: skip
    run = cma_sim("run", "whole.toml", cwd=farm)
    assert "\nfaults: isolate\n" in run.stdout and run.returncode == ExitCode.OK
    whole = re.search(
        r"all that must hold held, and the fleet was whole again (\S+) s", run.stdout
    )
    assert whole and 0 <= float(whole[1]) < 120
    broken = (farm / "whole.toml").read_text().replace("= 70", "= 700")
    (farm / "broken.toml").write_text(broken)
    run = cma_sim("run", "broken.toml", cwd=farm)
    assert "must hold" not in run.stdout and "it must be at least 700" in run.stderr
    told = json.loads(cma_sim("run", "whole.toml", "-o", "json", cwd=farm).stdout)
    assert f"{told['converged_ms'] / 1000:.1f}" == whole[1]


def test_a_run_says_whom_a_person_led_out_of_safe_mode(farm: Path) -> None:
    crash = '[[faults.at]]\nkind = "crash"\nagent = "agent-02"\ncount = 10\n'
    (farm / "crashes.toml").write_text(
        '[who]\napp = "app.py"\nagents = 2\n[when]\nminutes = 0.5\ncalm_minutes = 1\n'
        f"{crash}start_s = 2\nend_s = 25\n"
    )
    run = cma_sim("run", "crashes.toml", cwd=farm)
    assert "1 agent was in safe mode after the faults, and power-cycled by hand\n" in run.stdout
    assert json.loads(cma_sim("run", "crashes.toml", "-o", "json", cwd=farm).stdout)["attended"]
    run = cma_sim("swarm", "crashes.toml", "--seeds", "1", "--jobs", "1", cwd=farm)
    assert "runs in which agents were power-cycled by hand: 1\n" in run.stdout


def test_options_go_over_the_file(farm: Path) -> None:
    options = ("--agents", "5", "--minutes", "0.1", "--faults", "none", "-o", "json")
    run = cma_sim("run", "farm.toml", *options, cwd=farm)
    told = json.loads(run.stdout)
    assert len(told["agents"]) == 5 and run.returncode == ExitCode.SOME_FAILED
    assert told["failure"].startswith("agent-01 has beats = ")
    assert "it must be at least 70" in run.stderr


def test_a_file_alone_is_run(farm: Path) -> None:
    words = ("farm.toml", "--seed", "3", "--faults", "none")
    assert cma_sim(*words, cwd=farm).stdout == cma_sim("run", *words, cwd=farm).stdout != ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "none.toml"), "none.toml: no such file"),
        (("run", "."), ". is a folder; name your scenario or your application in it."),
        ((".",), ". is a folder; name"),
        (
            ("run", "late.toml", "--minutes", "0.5"),
            "end_s = 90 lies beyond the 30 s of --minutes 0.5; give it more minutes.",
        ),
        (("run", "bad.toml"), "bad.toml: who.agents: write a whole number of at least 1."),
        (("swarm", "bad.toml"), "bad.toml: who.agents: write a whole number of at least 1."),
        (("run", "broken.toml"), "broken.py raised while it was loaded"),
        (("swarm", "broken.toml", "--jobs", "2"), "broken.py raised while it was loaded"),
        (("swarm", "farm.toml", "--seeds", "0"), "--seeds"),
        (("swarm", "farm.toml", "--jobs", "0"), "--jobs"),
        (("run", "farm.toml", "--faults", "los"), 'did you mean "loss"?'),
        (("run", "farm.toml", "--faults", "loss,"), "nothing beside a comma; write NAME,NAME"),
        (("run", "farm.toml", "--range", "-1"), "--range"),
        (
            ("run", "farm.toml", "--minutes", "0"),
            "--minutes: write a number from 0.1 to 44000, not",
        ),
        (("run", "farm.toml", "--minuets", "1"), "did you mean '--minutes'?"),
        (("rum", "farm.toml"), "no such command 'rum'; did you mean 'run'?"),
        (("swarm",), "missing argument 'FILE'"),
    ],
)
def test_what_is_typed_wrong_is_named(farm: Path, words: tuple[str, ...], says: str) -> None:
    (farm / "bad.toml").write_text('[who]\napp = "app.py"\nagents = 0\n')
    late = '[[faults.at]]\nkind = "loss"\nstart_s = 5\nend_s = 90\n'
    (farm / "late.toml").write_text('[who]\napp = "app.py"\nagents = 2\n' + late)
    (farm / "broken.toml").write_text('[who]\napp = "broken.py"\nagents = 1\n')
    (farm / "broken.py").write_text("1 / 0\n")
    run = cma_sim(*words, cwd=farm)
    assert run.returncode == ExitCode.USAGE
    assert says in run.stderr and run.stdout == ""
    assert run.stderr.startswith("cma: ")
