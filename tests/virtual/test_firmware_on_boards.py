"""The firmware as it runs on a board: real MicroPython, its flash, its radio, its prompt."""

import pytest

from cma_toolkit.boards.load import load_board
from support.board_records import AgentBoard
from support.tools import mpremote
from support.virtual import VirtualBoards

TALK = """
def setup(agent):
    @agent.every(300)
    def talk():
        agent.publish("hello", {"from": agent.name, "half": 0.5})
        agent.publish("for you", 1, to="hearer")
"""

HEAR = """
def setup(agent):
    seen = []

    @agent.on("hello")
    def hello(message):
        if not seen:
            seen.append(agent.report("heard", [message.source, message.value]))

    @agent.on("for you")
    def private(message):
        agent.report("private", message.source)
"""

COUNT = """
def setup(agent):
    agent.report("resumed", agent.state.get("n", 0))
    agent.state.critical("n")

    @agent.every(100)
    def count():
        agent.state["n"] = agent.state.get("n", 0) + 1
        agent.report("n", agent.state["n"])
"""

WIFI = ("cma-lab", "cma-lab-password")  # what virtual boards can join
USER = load_board("esp32-devkitc").partition("user")


def test_two_boards_talk_by_radio(shared_boards: VirtualBoards) -> None:
    talker = AgentBoard(shared_boards, "talker", TALK)
    hearer = AgentBoard(shared_boards, "hearer", HEAR)
    assert hearer.wait_app("heard")[1] == {"from": "talker", "half": 0.5}
    # At first the sender is known by its id only; its announcement follows at once.
    hearer.wait(lambda fields: fields.get("what") == "private" and fields["value"] == "talker")
    status = talker.wait_status(lambda fields: fields["neighbours"] == 1)
    assert status["undelivered"] == 0 and status["app"] == "running"
    hearer.client.stop("hearer")
    talker.wait_status(lambda fields: fields["undelivered"] > 0, talker.mark())
    talker.client.stop("talker")


def test_boards_of_two_networks_do_not_hear_each_other(shared_boards: VirtualBoards) -> None:
    one = AgentBoard(shared_boards, "one", TALK, cluster="north")
    other = AgentBoard(shared_boards, "other", HEAR, cluster="south")
    status = other.wait_status(lambda fields: fields["dropped"].get("other network", 0) > 2)
    assert status["received"] == 0 and status["neighbours"] == 0
    for board in (one, other):
        board.client.stop(board.name)


def test_wifi_carries_frames_beside_the_radio(shared_boards: VirtualBoards) -> None:
    wifi = {"wifi_ssid": WIFI[0], "wifi_password": WIFI[1]}
    first = AgentBoard(shared_boards, "first", TALK, **wifi)
    second = AgentBoard(shared_boards, "second", HEAR, **wifi)
    assert first.wait_status(lambda fields: True)["links"] == ["espnow", "udp"]
    # Each frame comes twice, and is taken once.
    second.wait_status(lambda fields: fields["dropped"].get("duplicate", 0) > 2)
    second.wait_app("heard")
    for board in (first, second):
        board.client.stop(board.name)


def test_a_wire_carries_frames(shared_boards: VirtualBoards) -> None:
    # It leads back to its own board, which knows its own frames again.
    board = AgentBoard(shared_boards, "wired", TALK, {"uart_tx": 4, "uart_rx": 4})
    status = board.wait_status(lambda fields: fields["dropped"].get("echo", 0) > 2)
    assert status["links"] == ["espnow", "uart"]
    assert set(status["dropped"]) <= {"echo", "no such neighbour"}
    board.client.stop("wired")


def test_a_link_that_cannot_be_opened_leaves_the_others(shared_boards: VirtualBoards) -> None:
    board = AgentBoard(shared_boards, "pinless", "", {"uart_tx": 4, "uart_rx": 99})
    assert "uart" in board.wait_event("link failed")["value"]
    status = board.wait_status(lambda fields: fields["sent"] >= 1)
    assert status["links"] == ["espnow"]
    board.client.stop("pinless")


def test_state_is_old_or_new_after_power_cuts_in_mid_write(shared_boards: VirtualBoards) -> None:
    board = AgentBoard(shared_boards, "counter", COUNT)
    last = 0
    for number in range(1, 7):
        since = board.mark()
        board.wait_app("n", since)
        board.client.cut_power("counter", after_flash_writes=number, torn_bytes=number * 7 % 33)
        board.client.wait_for("counter", "no-power", 10.0)
        last = [fields["value"] for fields in board.records() if fields.get("what") == "n"][-1]
        since = board.mark()
        board.client.restore_power("counter")
        assert board.wait_app("resumed", since) in (last - 1, last, last + 1)
        assert board.wait_event("started", since)["value"] == number + 1
    assert last > 6
    assert "damaged" not in str(board.records())
    board.client.stop("counter")


BROKEN = {
    "import": ("1 // 0\n", "ZeroDivisionError"),
    "setup": ("def setup(agent):\n    agent.sensor('moon')\n", "put drivers/moon.py"),
}


@pytest.mark.parametrize("where", BROKEN)
def test_a_broken_application_leaves_a_bare_agent(
    shared_boards: VirtualBoards, where: str
) -> None:
    source, says = BROKEN[where]
    board = AgentBoard(shared_boards, f"broken-{where}", source)
    event = board.wait_event("app error")
    assert event["where"] == where and says in event["value"]
    board.wait_status(lambda fields: fields["app"] == "failed" and fields["sent"] >= 1)
    assert "Traceback" in board.printed() and "app.py" in board.printed()
    board.client.stop(board.name)


def test_a_traceback_that_is_cut_within_a_letter_is_told(shared_boards: VirtualBoards) -> None:
    app = "def setup(agent):\n    raise SystemExit('%s')\n"
    for text in ("ü" * 600, "a" + "ü" * 600):
        name = f"cut-text-{len(text)}"
        board = AgentBoard(shared_boards, name, app % text)
        assert "??" in board.wait_event("crashed")["value"]
        board.client.stop(name)


def test_what_is_missing_is_said(shared_boards: VirtualBoards) -> None:
    board = AgentBoard(shared_boards, "bare")
    assert "cma run" in board.wait_event("no application")["value"]
    assert board.wait_status(lambda fields: True)["app"] == "missing"
    board.client.stop("bare")


def test_an_old_program_without_setup_runs_as_it_is(shared_boards: VirtualBoards) -> None:
    board = AgentBoard(shared_boards, "old", "print('old program')\n")
    board.wait_event("no setup")
    assert "old program" in board.printed()
    board.client.stop("old")


BUSY = {
    "handler": "def setup(agent):\n    @agent.every(10)\n    def f():\n        while True: pass\n",
    "setup": "def setup(agent):\n    while True: pass\n",
    "import": "while True: pass\n",
    "catch-all": "def setup(agent):\n    @agent.every(10)\n    def f():\n"
    "        while True:\n            try:\n                x = 1\n"
    "            except Exception:\n                pass\n",
}


@pytest.mark.parametrize("where", BUSY)
def test_a_busy_application_never_locks_the_prompt(
    shared_boards: VirtualBoards, where: str
) -> None:
    board = AgentBoard(shared_boards, f"busy-{where}", BUSY[where])
    board.wait_event("started")
    assert mpremote(board.client.info(board.name).pty, "exec", "print(6 * 7)").strip() == "42"
    board.client.stop(board.name)


def test_drivers_and_pins_become_parts(shared_boards: VirtualBoards) -> None:
    app = (
        "def setup(agent):\n"
        "    agent.actuator('lamp').write(True)\n"
        "    agent.report('parts', [agent.sensor('button').read(), agent.sensor('tank').read()])\n"
    )
    settings = {"actuator.lamp": 5, "sensor.button": 18, "sensor.button.kind": "digital",
                "sensor.tank": 34}  # fmt: skip
    board = AgentBoard(shared_boards, "parts", app, settings)
    button, tank = board.wait_app("parts")
    assert button == 1 and isinstance(tank, int)
    board.client.stop("parts")


def test_a_watchdog_ends_a_hang_but_not_a_session(shared_boards: VirtualBoards) -> None:
    app = (
        "def setup(agent):\n"
        "    @agent.every(500)\n"
        "    def f():\n"
        "        while agent.state.get('hang'): pass\n"
        "    agent.state['hang'] = not agent.state.get('hang', True)\n"
    )
    board = AgentBoard(shared_boards, "watched", app, {"watchdog_ms": 2000})
    board.wait_status(lambda fields: fields["uptime_ms"] > 3000)
    boots = shared_boards.client.info("watched").boot_count
    # Longer than the watchdog's time, at the prompt and after a soft reset.
    pty = shared_boards.client.info("watched").pty
    assert mpremote(pty, "exec", "import time; time.sleep(3); print('alive')").strip() == "alive"
    assert shared_boards.client.info("watched").boot_count == boots
    since = board.mark()
    shared_boards.client.press_reset("watched")
    board.wait_event("started", since)  # this boot hangs
    board.wait(lambda fields: fields.get("event") == "started", board.mark())
    assert "WDT" in board.printed()
    board.client.stop("watched")


def erase_user(board: AgentBoard) -> None:
    board.client.stop(board.name)
    board.write_flash(USER.offset, b"\xff" * USER.size_bytes)


def test_a_blank_user_filesystem_is_made_once(shared_boards: VirtualBoards) -> None:
    board = AgentBoard(shared_boards, "blank", COUNT)
    erase_user(board)
    for boots in (1, 2):
        since = board.mark()
        board.client.start("blank")
        assert board.wait_event("started", since)["value"] == boots
        board.client.stop("blank")
    assert board.printed().count("making the filesystem") == 1


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_format_that_loses_power_is_done_again(
    shared_boards: VirtualBoards, number: int
) -> None:
    board = AgentBoard(shared_boards, f"cut-{number}")
    erase_user(board)
    since = board.mark()
    board.client.start(board.name)
    board.client.cut_power(board.name, after_flash_writes=number, torn_bytes=16)
    board.client.wait_for(board.name, "no-power", 10.0)
    board.client.restore_power(board.name)
    assert board.wait_event("started", since)["value"] >= 1
    assert "cannot be mounted" not in board.printed()
    assert not [r for r in board.records()[since:] if r.get("event") == "store failed"]
    board.client.stop(board.name)


def test_a_stale_mark_of_a_format_costs_no_file_and_goes(shared_boards: VirtualBoards) -> None:
    board = AgentBoard(shared_boards, "marked", COUNT)
    board.wait_app("resumed")
    pty = shared_boards.client.info("marked").pty
    nvs = "import esp32; n = esp32.NVS('cma'); "
    mpremote(pty, "exec", nvs + "n.set_i32('formatting', 1); n.commit()")
    since = board.mark()
    shared_boards.client.press_reset("marked")
    board.wait_app("resumed", since)  # the application's file is still there
    left = mpremote(
        pty, "exec", nvs + "\ntry: print(n.get_i32('formatting'))\nexcept OSError: print('gone')"
    )
    assert left.strip() == "gone"
    board.client.stop("marked")


def test_a_damaged_user_filesystem_is_left_as_it_is(shared_boards: VirtualBoards) -> None:
    board = AgentBoard(shared_boards, "damaged")
    board.client.stop("damaged")
    garbage = bytes(range(256)) * 32
    board.write_flash(USER.offset, garbage)
    since = board.mark()
    board.client.start("damaged")
    board.wait_status(lambda fields: fields["sent"] >= 1 and fields["app"] == "missing", since)
    assert board.wait_event("started", since)["value"] >= 1, "its state lies elsewhere"
    assert "was left as it is" in board.printed()
    board.client.stop("damaged")
    assert board.read_flash(USER.offset, len(garbage)) == garbage
