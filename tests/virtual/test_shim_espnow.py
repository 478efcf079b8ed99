"""ESP-NOW between running boards: acknowledgements true and false, limits, reach, loss."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from cma_toolkit.sim.virtual_board.runtime.run_config import RadioSettings
from support.running_board import RAW, RunningBoard, boards

MACS = ("a4:cf:12:00:00:04", "a4:cf:12:00:00:08", "a4:cf:12:00:00:0c")
ON = (
    "import network,espnow\nw=network.WLAN(0)\nw.active(True)\ne=espnow.ESPNow()\ne.active(True)\n"
)
Test = Callable[[list[RunningBoard]], Awaitable[Any]]


def mac(number: int) -> str:
    return f"bytes.fromhex({MACS[number].replace(':', '')!r})"


def with_boards(count: int, test: Test) -> None:
    async def run() -> None:
        async with boards(*MACS[:count]) as made:
            await test(made)

    asyncio.run(run())


async def ask(board: RunningBoard, code: str) -> str:
    return (await board.exec(code)).replace("\r\n", "\n")


def test_a_broadcast_and_a_unicast_arrive_with_sender_and_strength() -> None:
    async def test(made: list[RunningBoard]) -> None:
        a, b = made
        assert await ask(b, ON) == ""
        code = ON + f"e.add_peer(b'\\xff'*6)\ne.add_peer({mac(1)})\n"
        code += f"print(e.send(b'\\xff'*6,b'all'),e.send({mac(1)},b'one'),e.stats()[:3])"
        assert await ask(a, code) == "True True (2, 2, 0)\n"
        code = f"for i in range(3):\n  m,d=e.recv(0)\n  print(m=={mac(0)},d)\n"
        code += f"print(e.peers_table[{mac(0)}][0],e.stats()[3:])"
        assert await ask(b, code) == "True b'all'\nTrue b'one'\nFalse None\n-30 (2, 0)\n"

    with_boards(2, test)


def test_a_radio_in_light_sleep_is_deaf_and_hears_again_after_it() -> None:
    async def test(made: list[RunningBoard]) -> None:
        a, b = made
        assert await ask(a, ON + f"e.add_peer({mac(1)})\n") == ""
        b.type(b"\x01")
        await b.until(RAW)
        b.type((ON + "import machine\nprint('s','leeps')\nmachine.lightsleep(1500)\n").encode())
        b.type(b"print('w','oken',e.any())\n\x04")
        await b.until(b"s leeps")
        send = f"import time\ntime.sleep_ms(100)\nprint(e.send({mac(1)},b'x'))"
        assert await ask(a, send) == "False\n"
        await b.until(b"w oken False")
        assert await ask(a, send) == "True\n"

    with_boards(2, test)


def test_a_peer_acknowledges_as_long_as_its_radio_is_on_our_channel() -> None:
    async def test(made: list[RunningBoard]) -> None:
        a, b = made
        send = f"print(e.send({mac(1)},b'x'))"
        assert await ask(a, ON + f"e.add_peer({mac(1)})\n" + send) == "False\n"
        assert await ask(b, "import network\nw=network.WLAN(0)\nw.active(True)\n") == ""
        assert await ask(a, send) == "True\n"  # ESP-NOW is off there: the radio answers
        assert await ask(b, "w.config(channel=5)\n") == ""
        assert await ask(a, send) == "False\n"
        assert await ask(a, "w.config(channel=5)\n" + send) == "True\n"
        b.kill()
        assert await ask(a, send) == "False\n"

    with_boards(2, test)


def test_without_a_target_every_peer_must_answer_and_broadcast_is_left_out() -> None:
    async def test(made: list[RunningBoard]) -> None:
        a, b = made
        assert await ask(b, ON) == ""
        code = ON + f"e.add_peer(b'\\xff'*6)\ne.add_peer({mac(1)})\nprint(e.send(b'x'))\n"
        code += f"e.add_peer({mac(2)})\nprint(e.send(None,b'x',True),e.send(None,b'x',False))"
        assert await ask(a, code) == "True\nFalse True\n"
        assert await ask(b, "print(e.recv(0)[1],e.recv(0)[1],e.recv(0)[1],e.recv(0)[1])") == (
            "b'x' b'x' b'x' None\n"
        )

    with_boards(2, test)


def test_limits_are_refused_with_espressifs_names() -> None:
    async def test(made: list[RunningBoard]) -> None:
        code = """
def attempt(f, *a):
  try: f(*a)
  except OSError as error: print(error.args[1])
  except ValueError: print('ValueError')
import network, espnow
e = espnow.ESPNow()
attempt(e.send, b'x' * 6, b'x')
attempt(e.add_peer, b'x' * 6)
e.active(True)
attempt(e.send, b'x' * 6, b'x')
e.add_peer(b'x' * 6)
attempt(e.add_peer, b'x' * 6)
attempt(e.send, b'x' * 6, b'x')
network.WLAN(0).active(True)
attempt(e.send, b'x' * 6, b'x' * 250)
attempt(e.send, b'x' * 6, b'x' * 251)
attempt(e.send, b'x' * 6, b'')
for n in range(19): e.add_peer(bytes([n] * 6))
attempt(e.add_peer, b'y' * 6)
attempt(e.del_peer, b'z' * 6)
print(e.peer_count())
"""
        assert (await ask(made[0], code)).splitlines() == [
            "ESP_ERR_ESPNOW_NOT_INIT",
            "ESP_ERR_ESPNOW_NOT_INIT",
            "ESP_ERR_ESPNOW_NOT_FOUND",
            "ESP_ERR_ESPNOW_EXIST",
            "ESP_ERR_ESPNOW_IF",
            "ValueError",
            "ValueError",
            "ESP_ERR_ESPNOW_FULL",
            "ESP_ERR_ESPNOW_NOT_FOUND",
            "(20, 0)",
        ]

    with_boards(1, test)


def test_what_does_not_fit_the_buffer_is_dropped_and_counted() -> None:
    async def test(made: list[RunningBoard]) -> None:
        a, b = made
        assert await ask(b, ON) == ""
        code = ON + f"e.add_peer({mac(1)})\n"
        code += f"print([e.send({mac(1)},b'x'*250) for n in range(5)])"
        assert await ask(a, code) == "[True, True, True, True, True]\n"
        assert await ask(b, "print(e.stats()[3:])") == "(2, 3)\n"

    with_boards(2, test)


def test_range_and_peers_decide_who_hears() -> None:
    async def test(made: list[RunningBoard]) -> None:
        a, b = made
        assert a.mode and b.mode
        send = f"print(e.send({mac(1)},b'x'))"
        assert await ask(b, ON) == ""
        air = a.config.radio.air
        b.mode.set_radio(RadioSettings(air, position_m=(30.0, 40.0)))
        a.mode.set_radio(RadioSettings(air, range_m=51.0))
        assert await ask(a, ON + f"e.add_peer({mac(1)})\n" + send) == "True\n"
        assert await ask(b, f"e.recv(0)\nprint(e.peers_table[{mac(0)}][0])") == "-82\n"
        a.mode.set_radio(RadioSettings(air, range_m=49.0))
        assert await ask(a, send) == "False\n"
        a.mode.set_radio(RadioSettings(air, peers=(MACS[2],)))
        assert await ask(a, send) == "False\n"
        a.mode.set_radio(RadioSettings(air, peers=(MACS[1],)))
        assert await ask(a, send) == "True\n"

    with_boards(2, test)


def test_loss_is_a_share_of_broadcasts_and_repeats_with_its_seed() -> None:
    async def test(made: list[RunningBoard]) -> None:
        a, b = made
        counts = []
        for _ in range(2):
            for board in made:
                board.boot()
                await board.until(b">>> ")
            assert a.mode and b.mode
            a.mode.set_radio(RadioSettings(a.config.radio.air, loss_permille=300, seed=7))
            assert await ask(b, ON + "e.config(rxbuf=50000)\n") == ""
            code = ON + "e.add_peer(b'\\xff'*6)\nfor n in range(200): e.send(b'\\xff'*6,b'x')\n"
            assert await ask(a, code) == ""
            counts.append(int(await ask(b, "print(e.stats()[3])")))
        assert counts[0] == counts[1]
        assert 110 < counts[0] < 170

    with_boards(2, test)


def test_handlers_and_asyncio_hear_what_comes() -> None:
    async def test(made: list[RunningBoard]) -> None:
        a, b = made
        code = ON.replace("espnow.ESPNow()", "aioespnow.AIOESPNow()")
        code = "import aioespnow,asyncio,time\n" + code
        code += "async def f():\n  async for m,d in e:\n    print(d)\n    return\n"
        code += "print('ready')\nasyncio.run(f())\n"
        code += "got=[]\ne.irq(lambda s:got.append(s.recv(0)[1]))\nprint('again')\n"
        code += "while not got: time.sleep_ms(500)\nprint(got)\n"
        b.type(b"\x01")
        await b.until(RAW)
        b.type(code.encode() + b"\x04")
        await b.until(b"ready\r\n")
        assert await ask(a, ON + f"e.add_peer({mac(1)})\nprint(e.send({mac(1)},b'1'))") == "True\n"
        await b.until(b"b'1'\r\nagain\r\n")
        assert await ask(a, f"print(e.send({mac(1)},b'2'))") == "True\n"
        await b.until(b"[b'2']\r\n\x04\x04>")

    with_boards(2, test)


def test_a_board_that_waits_in_recv_wakes_at_once() -> None:
    async def test(made: list[RunningBoard]) -> None:
        a, b = made
        b.type(b"\x01")
        await b.until(RAW)
        b.type((ON + "print('ready')\nprint(e.recv(15000)[1])\n").encode() + b"\x04")
        await b.until(b"ready\r\n")
        assert await ask(a, ON + f"e.add_peer({mac(1)})\nprint(e.send({mac(1)},b'1'))") == "True\n"
        assert await b.until(b"\x04>") == b"b'1'\r\n\x04\x04>"

    with_boards(2, test)
