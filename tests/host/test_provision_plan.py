"""What a board shall hold against what it holds: the difference, the refusals, no secret shown."""

from dataclasses import replace

import cbor2
import pytest

from cma_toolkit.boards.load import load_board
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.fleet.fleet_file import parse_fleet
from cma_toolkit.host_tools.fleet.inventory import Row
from cma_toolkit.host_tools.fleet.secret import Secret
from cma_toolkit.host_tools.image.build import Image
from cma_toolkit.host_tools.provision.actual import Actual, from_json, to_json
from cma_toolkit.host_tools.provision.desired import Desired, desired
from cma_toolkit.host_tools.provision.plan import check_board, make_plan

PASSWORD = "correct horse battery"
SALT = b"0123456789abcdef"
MAC = "a4:cf:12:00:00:01"
FLEET = parse_fleet('name = "greenhouse"\nnetwork = 7\n')
ROW = Row(2, "box-1", "", "", ("roof",), "north", "shed", {"sample_ms": 1000})
IMAGE = Image(b"\xd2\xcd1 an image", "greenhouse", "0123456789abcdef", "", {})
APP = "/user/app.py"


def wanted(row: Row = ROW, image: Image = IMAGE) -> Desired:
    board = load_board("esp32-c3-devkitm-1")
    return desired(row, FLEET, board, {"shed": Secret(PASSWORD)}, image)


def holding(what: Desired, revision: int = 4) -> Actual:
    """Return a board that holds all of it."""
    return Actual(
        mac=MAC,
        chip=what.chip,
        ours=True,
        keys={key: value for key, value in what.keys.items() if isinstance(value, bytes)}
        | {"revision": revision},
        fingerprints={
            key: value.fingerprint(SALT)
            for key, value in what.keys.items()
            if isinstance(value, Secret)
        },
        image=what.image.sha256,
        application=f"{what.image.name} {what.image.sources}",
    )


BLANK = Actual(mac=MAC, chip="esp32c3", ours=True)


def test_a_blank_board_gets_everything_once() -> None:
    plan = make_plan(wanted(), BLANK, SALT)
    assert set(plan.values) == set(wanted().keys)
    assert (plan.erase, plan.image, plan.set_aside, plan.revision) == ((), True, (), 1)
    assert make_plan(wanted(), holding(wanted(), 1), SALT).changes == ()


def test_values_are_what_the_firmware_reads() -> None:
    keys = wanted().keys
    assert keys["name"] == b"box-1" and keys["wifi_ssid"] == b"shed"
    settings, labels, pins = (keys[key] for key in ("settings", "labels", "pins"))
    assert isinstance(settings, bytes) and isinstance(labels, bytes) and isinstance(pins, bytes)
    assert cbor2.loads(settings) == {"network": 7, "sample_ms": 1000}
    assert cbor2.loads(labels) == ["roof"]
    assert cbor2.loads(pins)["led_kind"] in ("gpio", "ws2812")
    currents = keys["currents"]
    assert isinstance(currents, bytes)
    assert cbor2.loads(currents)["wifi_tx"] > cbor2.loads(currents)["deep_sleep"] > 0


def test_only_what_differs_is_written() -> None:
    plan = make_plan(wanted(replace(ROW, cluster="south")), holding(wanted()), SALT)
    assert [change.line() for change in plan.changes] == ["cluster: north -> south"]
    assert (set(plan.values), plan.revision, plan.touches_nvs) == ({"cluster"}, 5, True)


def test_another_image_alone_leaves_the_settings_and_their_revision() -> None:
    newer = replace(IMAGE, data=b"\xd2\xcd1", sources="fedcba9876543210")
    plan = make_plan(wanted(image=newer), holding(wanted()), SALT)
    assert [change.line() for change in plan.changes] == [
        "application: greenhouse 0123456789abcdef -> greenhouse fedcba9876543210, 3 bytes"
    ]
    assert (plan.image, plan.revision, plan.touches_nvs, plan.values) == (True, 4, False, {})


def test_what_runs_instead_of_the_image_is_set_aside() -> None:
    plan = make_plan(wanted(), replace(holding(wanted()), shadows=(APP,)), SALT)
    assert [change.what for change in plan.changes] == [APP]
    assert (plan.image, plan.set_aside, plan.touches_nvs) == (False, (APP,), False)


def test_what_a_row_no_longer_says_is_erased() -> None:
    plan = make_plan(wanted(replace(ROW, wifi="")), holding(wanted()), SALT)
    assert plan.erase == ("wifi_ssid", "wifi_password")
    assert [change.line() for change in plan.changes] == [
        "wifi_ssid: shed -> nothing",
        "wifi_password: *** -> nothing",
    ]


def test_a_new_password_is_noticed_and_not_shown() -> None:
    before = holding(wanted())
    other = replace(
        before, fingerprints={"wifi_password": Secret("another one").fingerprint(SALT)}
    )
    plan = make_plan(wanted(), other, SALT)
    assert [change.line() for change in plan.changes] == ["wifi_password: *** -> ***"]
    assert PASSWORD not in repr(plan) and PASSWORD not in repr(wanted())


def test_a_board_cut_off_in_the_middle_is_written_again() -> None:
    whole = holding(wanted())
    torn = replace(whole, keys={key: whole.keys[key] for key in whole.keys if key != "revision"})
    plan = make_plan(wanted(), torn, SALT)
    assert plan.touches_nvs and plan.revision == 1 and len(plan.changes) == 1


def test_a_revision_never_comes_twice() -> None:
    whole, south = holding(wanted()), wanted(replace(ROW, cluster="south"))
    torn = replace(whole, keys={key: whole.keys[key] for key in whole.keys if key != "revision"})
    assert make_plan(wanted(), torn, SALT, 4).revision == 5
    assert make_plan(wanted(), torn, SALT, 4).changes[0].after == "5"
    assert make_plan(south, whole, SALT, 9).revision == 10
    assert make_plan(south, whole, SALT, 2).revision == 5
    assert make_plan(wanted(), whole, SALT, 9).revision == 4  # nothing to change


def test_a_board_survives_the_way_from_worker_to_parent() -> None:
    board = holding(wanted())
    assert from_json(to_json(board)) == board
    with pytest.raises(CmaError) as caught:
        from_json({**to_json(board), "values": {"name": "zz"}})
    assert caught.value.code is ExitCode.VERIFY_FAILED


@pytest.mark.parametrize(
    ("actual", "code", "words"),
    [
        (replace(BLANK, ours=False), ExitCode.REFUSED, ["cma flash -p u0", "cma adopt u0"]),
        (replace(BLANK, chip="esp32"), ExitCode.REFUSED, ["esp32c3", "is esp32."]),
        (
            replace(BLANK, keys={"name": b"box-9", "fleet": b"greenhouse"}),
            ExitCode.NEEDS_YES,
            ['"box-9"', "--yes"],
        ),
        (
            replace(BLANK, keys={"name": b"box-1", "fleet": b"orchard"}),
            ExitCode.NEEDS_YES,
            ['"orchard"', "--yes"],
        ),
    ],
)
def test_a_board_that_is_not_ours_to_write_is_refused(
    actual: Actual, code: ExitCode, words: list[str]
) -> None:
    with pytest.raises(CmaError) as caught:
        check_board(wanted(), actual, "greenhouse", "u0", yes=False)
    assert caught.value.code is code
    assert [word for word in words if word not in caught.value.message] == []
    if code is ExitCode.NEEDS_YES:
        check_board(wanted(), actual, "greenhouse", "u0", yes=True)


def test_a_row_too_large_for_a_board_is_refused_before_anything_is_written() -> None:
    row = replace(ROW, settings={f"text{number}": "x" * 128 for number in range(12)})
    with pytest.raises(CmaError, match="box-1: its settings take"):
        wanted(row)
