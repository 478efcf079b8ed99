"""What the kernel asks of its surroundings, as classes that do the least.

They stand for what a board does not have. A driver's own class has the same methods; it derives
from one of these where that spares it some. Unlike an effect, a port answers at once.
"""


class Flash:
    """Have no flash: raw NOR in sectors, of which the kernel's journal is made.

    A program that loses power leaves any mixture of old and new bits in its bytes, an erase in its
    sector; an operation disturbs nothing else.
    """

    sector_bytes = 4096
    sector_count = 0

    def read(self, address: int, buffer: "bytearray | memoryview") -> None:
        """Fill a whole buffer from an address.

        Raises: OSError when the medium fails.
        """
        raise OSError(19, "no flash")

    def program(self, address: int, data: "bytes | bytearray | memoryview") -> None:
        """Program erased bytes; address and length are multiples of 32.

        Raises: OSError when the medium fails.
        """
        raise OSError(19, "no flash")

    def erase(self, sector: int) -> None:
        """Make every byte of a sector 0xFF.

        Raises: OSError when the medium fails.
        """
        raise OSError(19, "no flash")

    def sync(self) -> None:
        """Return only when all that was programmed and erased is on the medium."""


class Table:
    """Keep nothing: the key-value table of an agent without storage.

    Shape: keys of at most 36 bytes, values of at most 1,024.
    """

    def get(self, key: bytes) -> "bytes | None":
        """Return the value under a key, None if there is none; staged changes count.

        Raises: OSError when the medium fails.
        """
        return None

    def keys(self) -> "list[bytes]":
        """Return all keys in order."""
        return []

    def put(self, key: bytes, value: bytes) -> None:
        """Stage a value for the next commit."""

    def delete(self, key: bytes) -> None:
        """Stage the removal of a key for the next commit."""

    def commit(self) -> int:
        """Make all that is staged durable, as one: after a power cut all of it holds or none.

        Returns: bytes programmed, 0 if nothing was staged.
        Raises: OSError when the medium fails or is full; then nothing of it holds.
        """
        return 0

    def rollback(self) -> None:
        """Forget what is staged."""

    def wear(self) -> int:
        """Return how often the most worn sector was erased, 0 where nothing wears."""
        return 0


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
