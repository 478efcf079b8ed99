"""The sink that every machine hands its effects to.

A driver overrides what it can carry out; what it leaves does nothing, so this class is also the
sink of an agent that nobody listens to. Rules:

- An effect never calls back into the machine: a driver that must answer queues.
- A buffer is valid until the call returns: transmit it or copy it.
- A call allocates nothing on the kernel's side.
"""

LINK_ALL = 0xFF  # every link that the driver has

SLEEP_LIGHT, SLEEP_DEEP = 1, 2  # memory stays; all is forgotten but flash and the snapshot


class Effects:
    """Do nothing with each effect."""

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Transmit the first `length` bytes of one frame on a link, or on all for LINK_ALL.

        The frame's target (see `codec.frame`) says whether it is for one neighbour or for all.
        """

    def radio(self, is_on: bool) -> None:
        """Switch every radio on or off; frames are sent and heard only while it is on."""

    def sleep(self, until_at_ms: int, depth: int) -> None:
        """Sleep until an instant: the last effect of a step.

        For SLEEP_DEEP the driver first has the agent fill its snapshot and keeps it in RTC memory.
        """

    def reboot(self, reason: int) -> None:
        """Start the hardware anew; reasons are in `errors`. The last effect of a step."""

    def report(self, event_id: int, value: int) -> None:
        """Tell whoever watches that something happened; ids are in `errors`."""

    def app_event(self, name: str, value: object) -> None:
        """Tell whoever watches what the application reported."""

    def app_error(self, where: str, error: Exception) -> None:
        """Tell whoever watches that the application raised, and in which handler."""
