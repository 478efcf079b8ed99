"""`machine.UART` between two running boards."""

import asyncio
from dataclasses import replace

from support.running_board import PROMPT, boards


def test_two_boards_talk_over_a_wire() -> None:
    async def run() -> None:
        async with boards("a4:cf:12:00:00:04", "a4:cf:12:00:00:08") as (a, b):
            ends = (a.folder / "a.uart", a.folder / "b.uart")
            a.config = replace(a.config, wires={1: ends})
            b.config = replace(b.config, wires={1: ends[::-1]})
            for board in (a, b):
                board.boot()
                await board.until(PROMPT)
                made = await board.exec("import machine;u=machine.UART(1,115200,tx=4,rx=5)")
                assert made == ""
            assert await a.exec("print(u.write(bytes(range(256))[:200]))") == "200\r\n"
            assert await b.exec("print(u.any(),u.read()==bytes(range(200)))") == "200 True\r\n"
            # A board that was reset finds its end again.
            b.boot()
            await b.until(PROMPT)
            await b.exec("import machine;u=machine.UART(1,115200,tx=4,rx=5)")
            assert await b.exec("print(u.write(b'back'))") == "4\r\n"
            assert await a.exec("print(u.read())") == "b'back'\r\n"

    asyncio.run(run())
