"""What a report shows is what happened, and recording it changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.firmware.kernel.errors import CAUSE_DEEP_SLEEP, REBOOT_ASKED, REBOOT_UPDATE
from cma_toolkit.firmware.kernel.mesh import neighbours
from cma_toolkit.sim.report.bins import BINS_MAX, Bins
from cma_toolkit.sim.report.life import Life
from cma_toolkit.sim.report.recorder import NEIGHBOURS_ENOUGH, Recorder
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.fleet import Fleet
from support import reported

SECONDS = 600
Run = tuple[Fleet, Recorder]


@pytest.fixture(scope="module")
def run() -> Run:
    return reported.run(SECONDS)


def test_a_recorded_run_has_the_digest_of_an_unrecorded_one(run: Run) -> None:
    bare, _ = reported.run(SECONDS, is_watched=False)
    assert run[0].digest() == bare.digest()


@pytest.mark.parametrize("charge_percent", [100, 3])
def test_batteries_are_watched_and_none_is_changed(charge_percent: int) -> None:
    supply = {"capacity_mah": 40, "solar_ma": 20, "charge_percent": charge_percent}
    bare, _ = reported.run(SECONDS, is_watched=False, supply=supply)
    fleet, recorder = reported.run(SECONDS, supply=supply)
    assert fleet.digest() == bare.digest()
    recording = recorder.recording()
    assert recording["has_supply"]
    for agent, board in zip(recording["agents"], fleet.boards, strict=True):
        assert board.power is not None
        assert agent["supply"] == board.power.status()
        charge = [percent for percent in agent["charge"] if percent is not None]
        assert charge[-1] == agent["supply"]["charge_permille"] // 10
        assert abs(charge[0] - charge_percent) <= 1 and len(charge) > 5


def test_the_times_of_each_agent_add_up_to_what_its_board_counted(run: Run) -> None:
    fleet, recorder = run
    for index, board in enumerate(fleet.boards):
        times = board.sleep()
        assert times["asleep_ms"] > SECONDS * 300
        assert sum(recorder.asleep_ms[index]) == times["asleep_ms"]
        assert sum(recorder.radio_ms[index]) == times["radio_ms"]
    dark_ms = [sum(series) for series in recorder.dark_ms]
    assert 2_000 <= dark_ms[0] <= 2_000 + 1_000  # the cut, and the time to its first boot
    assert all(0 <= ms < 1_000 for ms in dark_ms[1:])


def test_frames_are_counted_where_they_left_and_where_they_came(run: Run) -> None:
    fleet, recorder = run
    recording = recorder.recording()
    assert sum(recording["sent"]) == sum(sum(agent["frames"]) for agent in recording["agents"])
    assert sum(recording["sent"]) == sum(fleet.radio.counts(i)["frames"] for i in range(6)) > 100
    through = sum(there + back for _one, _other, there, back in recording["links"])
    for one, other, there, back in recording["links"]:
        assert one < other
        assert there == recorder.links[one].get(other, 0)
        assert back == recorder.links[other].get(one, 0)
    assert any(there != back for _one, _other, there, back in recording["links"])
    assert sum(recording["heard"]) == through == sum(a["heard"] for a in recording["agents"])


def test_nothing_is_heard_while_a_fault_silences_the_air(run: Run) -> None:
    recording = run[1].recording()
    assert not recording["has_supply"] and recording["agents"][0]["supply"] is None
    bin_ms = recording["bin_ms"]
    first, last = 120_000 // bin_ms + 1, 180_000 // bin_ms
    assert sum(recording["sent"][first:last]) > 0
    assert sum(recording["heard"][first:last]) == 0
    assert sum(recording["heard"][last + 1 :]) > 0


def test_faults_have_a_beginning_and_an_end_or_last(run: Run) -> None:
    assert run[1].recording()["faults"] == [
        ["hush", "all frames <b>lost</b>", 120_000, 180_000],
        ["hush", "all frames <b>lost</b>", 540_000, None],
    ]


def test_a_life_says_what_happened_in_order(run: Run) -> None:
    agents = run[1].recording()["agents"]
    lives = [[line[2] for line in agent["lines"]] for agent in agents]
    for agent in agents:
        assert [line[0] for line in agent["lines"]] == sorted(line[0] for line in agent["lines"])
    cut = lives[0].index("power lost")
    assert "started: the power came" in lives[0][cut + 1 :]
    assert "ValueError in sample" in lives[1] and agents[1]["errors"] == 1
    assert any(text.startswith("neighbour joined: agent-0") for text in lives[2])
    assert any(text.startswith("message moisture = ") for text in lives[3])
    assert "started: woke from deep sleep" in lives[4]
    assert "set pump to True" in lives[5]


def test_agreement_is_the_share_that_holds_the_commonest_value(run: Run) -> None:
    recording = run[1].recording()
    agreed = [value for value in recording["agree_permille"]["target"] if value is not None]
    assert agreed[-1] == 1000
    assert min(agreed[agreed.index(1000) :]) == 833  # five of six, while one has no power


def test_neighbours_are_known_or_forgotten(run: Run) -> None:
    known = [value for value in run[1].recording()["known_permille"] if value is not None]
    assert max(known) == 1000
    assert min(known[known.index(1000) :]) == 833  # one that lost its power knows nobody
    assert NEIGHBOURS_ENOUGH == neighbours.KEPT_MAX


def test_used_energy_never_falls_though_a_count_is_lost_with_the_power(run: Run) -> None:
    fleet, recorder = run
    used = [value for value in recorder.recording()["used_uah"]["least"] if value is not None]
    assert used == sorted(used) and used[-1] > 0
    counted = fleet.statuses()[0]["used_uah"]
    assert isinstance(counted, int)
    assert recorder.views[0].used_uah > counted


def test_a_recording_can_be_had_from_a_run_that_broke_off() -> None:
    recorder = Recorder()
    fleet = Fleet(lambda agent: None, 2, 1, watchers=[recorder])
    assert recorder.recording()["sent"] == [0]
    fleet.run(10)
    assert 0 < recorder.recording()["end_ms"] <= 10_000


def test_only_the_busiest_links_are_drawn_and_the_others_counted() -> None:
    recorder = Recorder()
    fleet = Fleet(lambda agent: None, 40, 1, watchers=[recorder])
    fleet.run(20)
    fleet.end()
    recording = recorder.recording()
    assert recording["links_left_out"] > 0
    pairs = {frozenset((one, other)) for one in range(40) for other in recorder.links[one]}
    assert len(recording["links"]) + recording["links_left_out"] == len(pairs)
    assert len(recording["links"]) <= 40 * 12


@given(
    st.lists(
        st.tuples(st.integers(0, 4_000_000), st.integers(1, 90_000), st.integers(0, 10_000)),
        max_size=20,
    )
)
def test_bins_keep_every_amount_however_long_a_run_lasts(
    amounts: list[tuple[int, int, int]],
) -> None:
    bins = Bins()
    series = bins.amounts()
    for start_ms, span_ms, amount in amounts:
        bins.spread(series, start_ms, start_ms + span_ms, amount)
    assert len(series) == BINS_MAX
    assert sum(series) == sum(amount for _start, _span, amount in amounts)
    for start_ms, span_ms, amount in amounts:
        first, last = bins.place(start_ms), bins.place(start_ms + span_ms - 1)
        assert sum(series[first : last + 1]) >= amount


def test_of_two_levels_that_become_one_the_later_stays() -> None:
    bins = Bins()
    levels = bins.levels()
    levels[0], levels[1], levels[2] = 5, None, 7
    levels[3] = 9
    bins.place(BINS_MAX * bins.bin_ms)
    assert levels[:3] == [5, 9, None]
    assert len(levels) == BINS_MAX


def test_what_happens_always_pushes_out_nothing_rare() -> None:
    life = Life(5)
    life.add(1, trace.POWER, b"")
    for at_ms in range(2, 100, 2):
        life.add(at_ms, trace.BOOT, bytes([CAUSE_DEEP_SLEEP]))
        life.add(at_ms + 1, trace.RADIO, b"\x01")
    lines = life.lines({})
    assert lines[0] == (1, "power", "power lost")
    assert [line[0] for line in lines[1:]] == [95, 96, 97, 98, 99]
    assert lines[-2:] == [
        (98, "sleep", "started: woke from deep sleep"),
        (99, "radio", "radio on"),
    ]
    assert life.total == 99


def test_an_update_is_told_from_another_reboot() -> None:
    life = Life(5)
    for at_ms, reason in ((1, REBOOT_ASKED), (2, REBOOT_UPDATE)):
        life.add(at_ms, trace.REBOOT, bytes([reason]))
    assert [line[2] for line in life.lines({})] == ["asked for a reboot", "went away to update"]
