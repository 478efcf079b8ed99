"""The one task that turns an agent: receive, step, carry out effects, sleep.

A user's own asyncio tasks live beside it. Nothing here waits: a link that has nothing says so.
"""

import asyncio
import os
import time

from device import app
from device.console import Console
from device.store import FileStore
from device.watchdog import Watchdog
from kernel.agent import Agent
from kernel.codec.frame import node_id
from kernel.effects import LINK_ALL
from kernel.identity import Identity
from kernel.limits import FRAME_BYTES_MAX
from kernel.prng import Prng
from kernel.ticks import TICKS_PERIOD, ticks_add, ticks_diff

_POLL_MS = 50  # from one look at the links to the next: a message's added delay at most
_FRAMES_PER_TURN = 16  # received before timers are served again
_STATUS_MS = 5_000
_STATE_FOLDER = "/user/.agent"


class Sink(Console):
    """Carry out effects on this board."""

    def __init__(self, name, links):
        super().__init__(name)
        self._links = links
        self.undelivered = 0

    def send(self, link, buffer, length):
        """Transmit on one link or on all."""
        for index in range(len(self._links)):
            if link in (LINK_ALL, index):
                try:
                    delivered = self._links[index].send(buffer, length)
                except OSError:  # a radio's queue is full, or it is switched off
                    delivered = False
                if not delivered:
                    self.undelivered += 1


class Loop:
    """Compose the agent of a board and run it."""

    def __init__(self, board):
        self._board = board
        settings = board.settings
        self._links = _open_links(board)
        self.sink = Sink(settings.name, self._links)
        identity = Identity(settings.name, node_id(board.mac), settings.network(), settings.board)
        rng = Prng(int.from_bytes(os.urandom(4), "big"))
        self.agent = Agent(identity, rng, FileStore(_STATE_FOLDER), board.parts)
        self.watchdog = Watchdog(settings.whole("watchdog_ms", 0))
        self._status_ms = settings.whole("status_ms", _STATUS_MS)
        self._buffer = bytearray(FRAME_BYTES_MAX + 1)
        self._application = app.MISSING

    def run(self, folder):
        """Run the agent with the application of a folder.

        Raises: KeyboardInterrupt when Ctrl-C is pressed.
        """
        asyncio.run(self._main(folder))

    def close(self):
        """Let go of the links and forget the tasks."""
        for link in self._links:
            link.close()
        asyncio.new_event_loop()

    async def _main(self, folder):
        self.agent.start(_now_ms(), self.sink)
        if not self._board.settings.is_provisioned:
            self.sink.note("unprovisioned", "this board has no name yet: cma provision")
        self._application, setup = app.load(folder, self.sink)
        if setup is not None and not self.agent.set_up(_now_ms(), setup, self.sink):
            self._application = app.FAILED
        status_at_ms = _now_ms()
        while True:
            self.watchdog.feed()
            self._receive()
            now_ms = _now_ms()
            if ticks_diff(self.agent.next_wake_at_ms(), now_ms) <= 0:
                self.agent.on_time(now_ms, self.sink)
            while self.sink.undelivered:
                self.sink.undelivered -= 1
                self.agent.on_undelivered()
            if ticks_diff(now_ms, status_at_ms) >= 0:
                status_at_ms = ticks_add(now_ms, self._status_ms)
                self._print_status()
            await asyncio.sleep_ms(self._pause_ms())

    def _pause_ms(self):
        until_ms = ticks_diff(self.agent.next_wake_at_ms(), _now_ms())
        return max(1, min(_POLL_MS, until_ms))

    def _receive(self):
        for index in range(len(self._links)):
            for _ in range(_FRAMES_PER_TURN):
                data = self._next_frame(index)
                if data is None:
                    break
                length = min(len(data), len(self._buffer))
                self._buffer[:length] = memoryview(data)[:length]
                self.agent.on_frame(_now_ms(), index, self._buffer, length, self.sink)

    def _next_frame(self, index):
        try:
            return self._links[index].receive()
        except (OSError, ValueError) as error:  # ESP-NOW raises both when its buffer overran
            self.sink.note("link failed", "%s: %s" % (self._links[index].name, error))
            return None

    def _print_status(self):
        self.agent.on_battery(self._board.battery_mv())
        fields = self.agent.status()
        fields["app"] = self._application
        fields["links"] = [link.name for link in self._links]
        self.sink.record("status", fields)


def _now_ms():
    return time.ticks_ms() & (TICKS_PERIOD - 1)


def _open_links(board):
    from device.link_espnow import EspnowLink

    makers = [EspnowLink]
    if board.settings.wifi_ssid:
        from device.link_udp import UdpLink

        makers.append(UdpLink)
    if "uart_tx" in board.settings.values and "uart_rx" in board.settings.values:
        from device.link_uart import UartLink

        makers.append(UartLink)
    links = []
    for maker in makers:
        try:
            links.append(maker(board))
        except (OSError, ValueError) as error:  # no such pin, no radio: the others still serve
            Console(board.settings.name).note("link failed", "%s: %s" % (maker.name, error))
    return links
