"""The sink that every machine hands its effects to.

A driver overrides what it can carry out; what it leaves does nothing, so this class is also the
sink of an agent that nobody listens to. Rules:

- An effect never calls back into the machine: a driver that must answer queues.
- A buffer is valid until the call returns: transmit it or copy it.
- A call allocates nothing on the kernel's side.
"""

LINK_ALL = 0xFF  # every link that the driver has


class Effects:
    """Do nothing with each effect."""

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Transmit the first `length` bytes of one frame on a link, or on all for LINK_ALL.

        The frame's target (see `codec.frame`) says whether it is for one neighbour or for all.
        """

    def report(self, event_id: int, value: int) -> None:
        """Tell whoever watches that something happened; ids are in `errors`."""

    def app_event(self, name: str, value: object) -> None:
        """Tell whoever watches what the application reported."""

    def app_error(self, where: str, error: Exception) -> None:
        """Tell whoever watches that the application raised, and in which handler."""
