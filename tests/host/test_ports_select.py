"""Which port a command line means: every selector, and a stop wherever it is ambiguous."""

import pytest

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.ports.discover import Port, virtual_port
from cma_toolkit.host_tools.ports.select import KnownBoard, Selector, select

USB0 = Port("/dev/ttyUSB0", "CP2102N")
USB1 = Port("/dev/ttyUSB1", "CP2102N")
ACM0 = Port("/dev/ttyACM0", "USB JTAG", mac="a4:cf:12:00:00:07")
VIRTUAL = virtual_port(
    "bench-01",
    chip="esp32c3",
    mac="02:00:00:00:00:01",
    url="rfc2217://127.0.0.1:4000",
    pty="/dev/pts/9",
    fast="virtual://bench-01",
    state="running",
)
PORTS = [ACM0, USB0, USB1, VIRTUAL]
FLEET = {
    "greenhouse-07": [KnownBoard("A4:CF:12:00:00:07", "/dev/ttyUSB1")],
    "pump": [KnownBoard("a4:cf:12:00:00:08", "/dev/ttyUSB1")],
    "label=north": [
        KnownBoard("a4:cf:12:00:00:07", "/dev/ttyACM0"),
        KnownBoard("02:00:00:00:00:01", "virtual://bench-01"),
    ],
}


def chosen(
    ports: list[Port] | None = None,
    environment: dict[str, str] | None = None,
    several: bool = False,
    **selector: object,
) -> list[Port]:
    meant = Selector(**selector)  # type: ignore[arg-type]
    here = PORTS if ports is None else ports
    return select(meant, here, environment or {}, lambda who: FLEET.get(who, []), several=several)


def refusal(code: ExitCode, **arguments: object) -> str:
    with pytest.raises(CmaError) as caught:
        chosen(**arguments)  # type: ignore[arg-type]
    assert caught.value.code == code
    return caught.value.message


@pytest.mark.parametrize(
    ("word", "port"),
    [
        ("/dev/ttyUSB1", USB1),
        ("u1", USB1),
        ("a0", ACM0),
        ("bench-01", VIRTUAL),
        ("virtual://bench-01", VIRTUAL),
        ("rfc2217://127.0.0.1:4000", VIRTUAL),
        ("/dev/pts/9", VIRTUAL),
        ("/dev/ttyACM*", ACM0),
        ("bench-*", VIRTUAL),
        ("rfc2217://far:2217", Port("rfc2217://far:2217")),
        ("/dev/ttyS0", Port("/dev/ttyS0")),
        ("c3", Port("COM3")),
    ],
)
def test_a_port_is_a_path_a_url_a_glob_a_name_or_a_shortcut(word: str, port: Port) -> None:
    assert select(Selector(ports=(word,)), PORTS, {}, lambda who: []) == [port]


def test_the_only_board_needs_no_selector() -> None:
    assert chosen(ports=[USB0]) == [USB0]


def test_no_board_says_what_to_do() -> None:
    assert "data cable" in refusal(ExitCode.NO_DEVICE, ports=[])


def test_several_boards_and_no_selector_are_listed() -> None:
    message = refusal(ExitCode.NO_DEVICE, ports=PORTS)
    assert all(port.url in message for port in PORTS)
    assert "--port" in message


def test_a_command_for_several_boards_still_wants_to_be_told_which() -> None:
    assert "--all" in refusal(ExitCode.NO_DEVICE, ports=PORTS, several=True)


def test_all_takes_every_board_once() -> None:
    assert chosen(several=True, all=True) == PORTS


def test_all_beside_another_selector_is_refused() -> None:
    refusal(ExitCode.USAGE, several=True, all=True, devices=("pump",))


def test_a_glob_for_two_boards_is_refused_by_a_command_for_one() -> None:
    with pytest.raises(CmaError, match="2 boards") as caught:
        select(Selector(ports=("/dev/ttyUSB*",)), PORTS, {}, lambda who: [])
    assert caught.value.code == ExitCode.NO_DEVICE


def test_a_glob_that_matches_nothing_lists_what_there_is() -> None:
    with pytest.raises(CmaError, match="No port matches") as caught:
        select(Selector(ports=("/dev/cu*",)), PORTS, {}, lambda who: [])
    assert "/dev/ttyUSB0" in caught.value.message


@pytest.mark.parametrize(
    ("who", "ports"),
    [
        ("greenhouse-07", [ACM0]),  # by its MAC, wherever it was last seen
        ("pump", [USB1]),  # a bridge hides the MAC: where it last answered
        ("id:A4:CF:12:00:00:07", [ACM0]),
        ("bench-01", [VIRTUAL]),
    ],
)
def test_a_device_is_found_by_name_or_id(who: str, ports: list[Port]) -> None:
    assert chosen(devices=(who,)) == ports


@pytest.mark.parametrize(
    ("selector", "code"),
    [
        (Selector(devices=("",)), ExitCode.USAGE),
        (Selector(ports=("u0", "")), ExitCode.USAGE),
        (Selector(devices=("id:",)), ExitCode.NO_DEVICE),
    ],
)
def test_an_unset_variable_selects_no_board(selector: Selector, code: ExitCode) -> None:
    with pytest.raises(CmaError) as caught:
        select(selector, PORTS, {}, lambda who: [], several=True)
    assert caught.value.code is code


def test_a_label_means_each_board_that_bears_it() -> None:
    assert chosen(devices=("label=north",), several=True) == [ACM0, VIRTUAL]


def test_an_unknown_device_is_refused_with_the_list() -> None:
    message = refusal(ExitCode.NO_DEVICE, devices=("nobody",))
    assert "nobody" in message and "/dev/ttyUSB0" in message


def test_the_environment_names_the_port_when_nothing_else_does() -> None:
    assert chosen(environment={"ESPTOOL_PORT": "u0"}) == [USB0]
    both = {"ESPTOOL_PORT": "u0", "CMA_PORT": "u1"}
    assert chosen(environment=both) == [USB1]
    assert chosen(environment=both, devices=("bench-01",)) == [VIRTUAL]
    assert chosen(environment=both, several=True, all=True) == PORTS


def test_a_board_named_twice_is_taken_once() -> None:
    assert select(Selector(ports=("u0", "/dev/ttyUSB0")), PORTS, {}, lambda who: []) == [USB0]
