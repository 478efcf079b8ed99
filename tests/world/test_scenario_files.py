"""A scenario file says what it means, or is refused in one sentence that says what to do."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cma_toolkit.boards.errors import BoardFileError
from cma_toolkit.sim.scenario.describe import describe
from cma_toolkit.sim.scenario.errors import ScenarioError
from cma_toolkit.sim.scenario.load import load
from cma_toolkit.sim.scenario.records import Faults, Must, Scenario, When, Who
from cma_toolkit.sim.scenario.run import faults_of
from cma_toolkit.sim.world.checkers import menu as checkers
from cma_toolkit.sim.world.faults import menu as faults

ROOT = Path(__file__).parents[2]

WHO = '[who]\napp = "app.py"\nagents = 4\n'


def described(folder: Path, text: str, fleet: dict[str, int] | None = None) -> dict[str, Any]:
    (folder / "app.py").write_text("def setup(agent):\n    pass\n")
    (folder / "soil.csv").write_text("0,400\n60,250\n")
    (folder / "halves.csv").write_text("0,3999.5\n")
    (folder / "high.csv").write_text("0,60001\n")
    (folder / "empty.csv").write_text("")
    (folder / "mixed.csv").write_text("x,y\n0,0\n1,abc\n")
    (folder / "three.csv").write_text("x,y\n0,0\n10,0\n0,10\n")
    file = folder / "farm.toml"
    file.write_text(text)
    return describe(load(file), file, fleet or {}, None)


def test_the_least_that_a_file_says_is_who(tmp_path: Path) -> None:
    plain = described(tmp_path, WHO)
    assert (plain["agents"], plain["seconds"], plain["calm_seconds"]) == (4, 600, 0)
    assert plain["app"] == str(tmp_path / "app.py")
    assert plain["faults"] == plain["draw"] == []


def test_files_beside_it_are_read(tmp_path: Path) -> None:
    plain = described(
        tmp_path,
        WHO.replace("4", "3")
        + 'battery_mv = "soil.csv"\n[who.sensors]\nsoil = "soil.csv"\nlight = 7\n'
        + '[where]\nkind = "positions"\nfile = "three.csv"\n',
    )
    assert plain["sensors"] == {"soil": [(0, 400), (60, 250)], "light": 7}
    assert plain["battery"] == [(0, 400), (60, 250)]
    assert plain["places"] == {"kind": "positions", "rows": [[0, 0], [10, 0], [0, 10]]}


def test_its_settings_go_over_those_of_the_fleet(tmp_path: Path) -> None:
    text = WHO + "[who.settings]\nwake_period_ms = 60000\n"
    plain = described(tmp_path, text, {"wake_period_ms": 30_000, "listen_ms": 100})
    assert plain["settings"] == {"wake_period_ms": 60_000, "listen_ms": 100}


def test_agents_are_called_by_their_names(tmp_path: Path) -> None:
    plain = described(
        tmp_path,
        WHO + '[radio.udp]\nagents = ["agent-02", "agent-04"]\n'
        '[radio.wires]\npairs = [["agent-01", "agent-03"]]\n'
        '[[faults.at]]\nkind = "crash"\nstart_s = 1.5\nend_s = 60\nagent = "agent-03"\n',
    )
    assert plain["radio"]["udp"]["agents"] == [1, 3]
    assert plain["radio"]["wires"]["pairs"] == [[0, 2]]
    assert plain["faults"] == [{"kind": "crash", "start_ms": 1500, "end_ms": 60_000, "agent": 2}]


def test_a_crowd_does_not_all_hear_each_other_unless_asked_to(tmp_path: Path) -> None:
    crowd = WHO.replace("4", "400")
    assert described(tmp_path, crowd)["radio"]["range_m"] == 25
    assert described(tmp_path, crowd + "[radio]\nrange_m = 0\n")["radio"]["range_m"] == 0
    assert described(tmp_path, WHO)["radio"]["range_m"] == 0


@pytest.mark.parametrize(
    ("text", "calm_s"),
    [
        ("", 0),
        ("[faults]\ndraw = true\n", 300),
        ("[faults]\ndraw = true\n[who.settings]\nwake_period_ms = 300000\n", 3 * 600 + 45 * 300),
        ("[faults]\ndraw = true\n[when]\ncalm_minutes = 0\n", 0),
        ("[when]\ncalm_minutes = 1.5\n", 90),
        ("[when]\ncalm_minutes = 0.017\n", 1),
    ],
)
def test_after_faults_there_is_a_time_to_recover(tmp_path: Path, text: str, calm_s: int) -> None:
    assert described(tmp_path, WHO + text)["calm_seconds"] == calm_s


def test_a_seed_draws_among_the_kinds_that_are_named(tmp_path: Path) -> None:
    plain = described(tmp_path, WHO + '[faults]\ndraw = ["loss", "crash"]\n')
    runs = [faults_of(plain, seed) for seed in range(40)]
    assert {fault["kind"] for drawn in runs for fault in drawn} == {"loss", "crash"}
    assert any(not drawn for drawn in runs)
    assert runs == [faults_of(plain, seed) for seed in range(40)]
    assert described(tmp_path, WHO + "[faults]\ndraw = true\n")["draw"] == list(faults.NAMES)


FAULT = WHO + "[[faults.at]]\n"
WRONG = {
    "no toml": ("who", "not valid TOML"),
    "nobody": ("", "it has no who; write one."),
    "no app": ("[who]\nagents = 3\n", "[who] has no app; write one."),
    "an unknown table": (WHO + "[wher]\n", 'unknown key "wher"; did you mean "where"?'),
    "an unknown key": (
        WHO + "agent = 3\n",
        'unknown key "agent" in [who]; did you mean "agents"?',
    ),
    "zero agents": (WHO.replace("4", "0"), "who.agents: write a whole number of at least 1."),
    "half an agent": (WHO.replace("4", "1.5"), "who.agents: write a whole number, not one with"),
    "too many": (
        WHO.replace("4", "100001"),
        "who.agents: write a whole number of at most 100000.",
    ),
    "a lost app": (WHO.replace("app.py", "ap.py"), "there is no"),
    "no such board": (WHO + 'board = "esp32-s4"\n', "No board is called"),
    "a lost csv": (WHO + '[who.sensors]\nsoil = "sol.csv"\n', "who.sensors.soil"),
    "an empty csv": (WHO + '[who.sensors]\nsoil = "empty.csv"\n', "no line with a time"),
    "a csv of no positions": (
        WHO + '[where]\nkind = "positions"\nfile = "mixed.csv"\n',
        "line 3: '1,abc' is not x,y or x,y,z in metres; mend that file.",
    ),
    "half millivolts": (WHO + 'battery_mv = "halves.csv"\n', "whole millivolts"),
    "a high battery": (WHO + 'battery_mv = "high.csv"\n', "millivolts from 0 to 60000"),
    "a negative battery": (WHO + "battery_mv = -1\n", "who.battery_mv"),
    "a setting": (WHO + "[who.settings]\nwake_period = 60000\n", 'mean "wake_period_ms"?'),
    "a bad setting": (WHO + "[who.settings]\nwake_period_ms = 5\n", "out of bounds"),
    "no time": (WHO + "[when]\nminutes = 0\n", "when.minutes: write a number above 0."),
    "energy of no board": (WHO + '[must]\ncheckers = ["energy"]\n', "'energy' needs the curr"),
    "a budget of no board": (WHO + "[must]\nused_uah_at_most = 5\n", "write who.board"),
    "not a number of time": (WHO + "[when]\nminutes = nan\n", "when.minutes"),
    "no number of calm": (WHO + "[when]\ncalm_minutes = nan\n", "when.calm_minutes"),
    "less than a second": (WHO + "[when]\nminutes = 0.001\n", "a run takes 1 s at least"),
    "no time for faults": (
        WHO + "[when]\nminutes = 0.02\n[faults]\ndraw = true\n",
        "when.minutes: faults that are drawn need 2 s at least",
    ),
    "a fault with two names": (
        FAULT + 'kind = ["loss"]\nstart_s = 0\nend_s = 5\n',
        "there is no fault '['loss']'",
    ),
    "an instant that is none": (FAULT + 'kind = "loss"\nstart_s = nan\nend_s = 5\n', "start_s"),
    "a step that is none": (WHO + '[where]\nkind = "grid"\nstep_m = nan\n', "step_m"),
    "negative time": (WHO + "[when]\nminutes = -5\n", "when.minutes"),
    "no calm that counts": (
        WHO + "[when]\ncalm_minutes = 0.016\n",
        "when.calm_minutes: 1 s is the least; write more, or 0.",
    ),
    "negative calm": (WHO + "[when]\ncalm_minutes = -1\n", "when.calm_minutes"),
    "an unknown place": (WHO + '[where]\nkind = "moon"\n', "[where]"),
    "a flat place": (WHO + '[where]\nkind = "plane"\nwidth_m = 0\n', "width_m"),
    "a place of no floors": (WHO + '[where]\nkind = "building"\nfloors = 0\n', "floors"),
    "an odd key of a place": (WHO + '[where]\nkind = "grid"\nfloors = 2\n', "no key floors"),
    "too few positions": (WHO + '[where]\nkind = "positions"\nfile = "three.csv"\n', "3 rows"),
    "a lost csv of positions": (
        WHO + '[where]\nkind = "positions"\nfile = "x.csv"\n',
        "there is no",
    ),
    "no place": (WHO + "[where]\nwidth_m = 5\n", "[where]: write kind as one of plane"),
    "a cable to nobody": (
        WHO + '[radio.wires]\npairs = [["agent-01", "agent-05"]]\n',
        "[radio]: agent-05 is no agent; they are called agent-01 to agent-04.",
    ),
    "a wire to itself": (
        WHO + '[radio.wires]\npairs = [["agent-02", "agent-02"]]\n',
        "[radio]: wires: a wire from agent-02 to itself; name two agents.",
    ),
    "two wires at one board": (
        WHO + '[radio.wires]\npairs = [["agent-01", "agent-02"], ["agent-03", "agent-02"]]\n',
        "[radio]: wires: agent-02 is on two; a board has one UART",
    ),
    "a folder for an application": (WHO.replace("app.py", "."), "is a folder; name the file"),
    "an application that is none": (WHO.replace("app.py", "three.csv"), "no Python file"),
    "positions of no file": (WHO + '[where]\nkind = "positions"\n', "[where] has no file"),
    "no positions": (WHO + '[where]\nkind = "positions"\nfile = "x.csv"\n', "where.file"),
    "a negative range": (WHO + "[radio]\nrange_m = -5\n", "range_m"),
    "more loss than all": (WHO + "[radio]\nloss_permille = 1001\n", "loss_permille"),
    "an odd key of a radio": (WHO + "[radio]\nrange = 5\n", "no key range"),
    "a clock that is none": (WHO + "drift_ppm = 200000\n", "who.drift_ppm"),
    "no weather": (WHO + "[climate]\nmean_c = 200\n", "mean_c"),
    "an odd key of weather": (WHO + "[climate]\nrain = 1\n", "no 'rain'"),
    "a battery of none": (WHO + "[supply]\ncapacity_mah = 10\n", "name the board"),
    "a small sun": (
        WHO + 'board = "esp32-devkitc"\n[supply]\nsolar_ma = -1\n',
        "solar_ma is -1: write a whole number",
    ),
    "an unknown fault": (WHO + '[faults]\ndraw = ["los"]\n', 'did you mean "loss"?'),
    "a fault too late": (
        FAULT + 'kind = "loss"\nstart_s = 0\nend_s = 601\n',
        "faults.at, number 1: end_s = 601 lies beyond the 600 s of when.minutes; give it more",
    ),
    "a fault before all": (
        FAULT + 'kind = "loss"\nstart_s = -1\nend_s = 5\n',
        "faults.at, number 1: start_s is a number from 0 to the 600 s of when.minutes",
    ),
    "a fault without end": (FAULT + 'kind = "loss"\nstart_s = 0\n', "end_s"),
    "a fault backwards": (FAULT + 'kind = "loss"\nstart_s = 5\nend_s = 5\n', "after its start_s"),
    "a fault of nobody": (
        FAULT + 'kind = "crash"\nagent = "agent-05"\nstart_s = 0\nend_s = 5\n',
        "agent is one of agent-01 to agent-04",
    ),
    "a fault unheard of": (FAULT + 'kind = "flood"\nstart_s = 0\nend_s = 5\n', "no fault 'flood'"),
    "a person who comes by": (
        FAULT + 'kind = "attend"\nstart_s = 0\nend_s = 5\n',
        "there is no fault 'attend'",
    ),
    "an odd fault": (
        FAULT + 'kind = "loss"\nstart_s = 0\nend_s = 5\nhow = 1\n',
        "has no 'how'; it has: end_s",
    ),
    "an unknown checker": (WHO + '[must]\ncheckers = ["durable"]\n', "no checker 'durable'"),
    "an unknown demand": (WHO + "[must]\nbe_good = true\n", 'unknown key "be_good" in [must]'),
    "a negative demand": (WHO + "[must]\nneighbours_at_least = -1\n", "neighbours_at_least"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, name: str) -> None:
    text, says = WRONG[name]
    with pytest.raises((ScenarioError, BoardFileError)) as caught:
        described(tmp_path, text)
    sentence = str(caught.value)
    assert says in sentence and "\n" not in sentence
    assert sentence.endswith((".", "?")) and "``" not in sentence and ".;" not in sentence


def test_the_manual_has_every_word_of_a_scenario() -> None:
    page = (ROOT / "docs" / "simulation.md").read_text()
    tables = (Scenario, Who, When, Faults, Must)
    words = {field.name for table in tables for field in msgspec.structs.fields(table)}
    words |= {*faults.NAMES, *checkers.NAMES, "start_s", "end_s"}
    words |= {row[0] for kind in faults.KINDS.values() for row in kind.PARAMETERS}
    missing = [
        word
        for word in sorted(words - {"who", "where", "at"})
        if not re.search(rf"`{word}`|\[{word}\]", page)
    ]
    assert not missing


def test_the_examples_are_described() -> None:
    files = sorted(ROOT.glob("sim/scenario/examples/*.toml"))
    assert files
    for file in files:
        scenario = load(file)
        assert scenario.about and describe(scenario, file, {}, None)["agents"] > 1
