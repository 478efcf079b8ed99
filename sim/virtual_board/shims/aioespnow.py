"""`aioespnow`: ESP-NOW for asyncio."""

import espnow


class AIOESPNow(espnow.ESPNow):
    """The ESP-NOW service with methods to await."""

    async def arecv(self):
        """Return [mac, message] when something came."""
        return list(await self.airecv())

    async def airecv(self):
        """Do the same, always with the same list."""
        while not self.any():
            await _readable(self)
        return self.irecv(0)

    async def asend(self, mac, msg=None, sync=None):
        """Send."""
        if msg is None:
            mac, msg = None, mac
        if sync is None:
            sync = True
        return self.send(mac, msg, sync)

    def __aiter__(self):
        """Iterate over what comes."""
        return self

    async def __anext__(self):
        """Return the next message."""
        return await self.airecv()


def _readable(stream):
    # Imported late: asyncio must find the board's `select`, which is put in place at boot.
    from asyncio import core

    yield core._io_queue.queue_read(stream)


__all__ = ("AIOESPNow",)
