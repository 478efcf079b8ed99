"""What the kernel asks of its surroundings, as classes that do the least.

A driver's own class derives from these. Unlike an effect, a port answers at once.
"""


class Store:
    """Keep nothing: the store of an agent without storage.

    A write is atomic: after a power cut `read` returns the old bytes or the new ones.
    """

    def read(self, key: str) -> "bytes | None":
        """Return what was last written under a key, None if nothing was.

        Raises: OSError when the medium fails.
        """
        return None

    def write(self, key: str, data: bytes) -> None:
        """Replace what stands under a key.

        Raises: OSError when the medium fails or is full.
        """


class Sensor:
    """Something that can be read."""

    def read(self) -> object:
        """Return the present value."""
        return None


class Actuator:
    """Something that can be set."""

    def write(self, value: object) -> None:
        """Take on a value."""


class Parts:
    """Have no sensor and no actuator."""

    def sensor(self, name: str) -> Sensor:
        """Return the sensor of that name.

        Raises: LookupError that says how to add one.
        """
        raise LookupError("no sensor '%s'" % name)

    def actuator(self, name: str) -> Actuator:
        """Return the actuator of that name.

        Raises: LookupError that says how to add one.
        """
        raise LookupError("no actuator '%s'" % name)
