"""A main.py that never rests: two tasks print, one computes."""

import asyncio
import time


async def chatter(name, period_ms):
    while True:
        print(name, time.ticks_ms())
        await asyncio.sleep_ms(period_ms)


async def compute():
    total = 0
    while True:
        for index in range(2000):
            total = (total * 31 + index) & 0xFFFF
        await asyncio.sleep_ms(0)


async def main():
    await asyncio.gather(chatter("fast", 3), chatter("slow", 40), compute())


asyncio.run(main())
