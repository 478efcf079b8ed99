"""A sink that writes down what a machine did, and the smallest tools of a test on two runtimes."""

from kernel.effects import Effects
from kernel.ports import Parts, Table


class Script(Effects):
    """Record every effect in order."""

    def __init__(self):
        self.frames = []
        self.links = []
        self.reports = []
        self.events = []
        self.errors = []
        self.sleeps = []
        self.radios = []
        self.reboots = []

    def send(self, link, buffer, length):
        """Copy the frame: the buffer is valid only now."""
        self.frames.append(bytes(memoryview(buffer)[:length]))
        self.links.append(link)

    def report(self, event_id, value):
        """Note an event."""
        self.reports.append((event_id, value))

    def app_event(self, name, value):
        """Note what the application reported."""
        self.events.append((name, value))

    def app_error(self, where, error):
        """Note where an application raised what."""
        self.errors.append((where, type(error).__name__))

    def sleep(self, until_at_ms, depth):
        """Note until when, and how deep."""
        self.sleeps.append((until_at_ms, depth))

    def radio(self, is_on):
        """Note a switch of the radio."""
        self.radios.append(is_on)

    def reboot(self, reason):
        """Note why."""
        self.reboots.append(reason)

    def take_frames(self):
        """Return the frames recorded since the last call."""
        frames, self.frames = self.frames, []
        self.links = []
        return frames


class MemoryTable(Table):
    """Keep a table in memory; fail on demand."""

    def __init__(self):
        self.values = {}
        self.commits = []  # the keys of each
        self.is_broken = False
        self._staged = {}

    def get(self, key):
        """Return a value; what is staged counts."""
        if self.is_broken:
            raise OSError(5)
        return self._staged.get(key, self.values.get(key))

    def keys(self):
        """Return all keys in order."""
        if self.is_broken:
            raise OSError(5)
        return sorted(self.values)

    def put(self, key, value):
        """Stage a value."""
        assert len(key) <= 36 and len(value) <= 1024
        self._staged[bytes(key)] = bytes(value)

    def delete(self, key):
        """Stage a removal."""
        self._staged[bytes(key)] = None

    def commit(self):
        """Take over what is staged."""
        if self.is_broken:
            raise OSError(5)
        if not self._staged:
            return 0
        self.commits.append(sorted(self._staged))
        size = 0
        for key, value in self._staged.items():
            size += len(key) + len(value or b"")
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = value
        self._staged = {}
        return size

    def rollback(self):
        """Forget what is staged."""
        self._staged = {}


class Part:
    """Read and write one value."""

    def __init__(self, value):
        self.value = value

    def read(self):
        """Return the value."""
        return self.value

    def write(self, value):
        """Replace the value."""
        self.value = value


class PartsByName(Parts):
    """Have the parts that a test names."""

    def __init__(self, **parts):
        self.parts = parts

    def sensor(self, name):
        """Return a part, or refuse as a board does."""
        if name not in self.parts:
            raise LookupError(name)
        return self.parts[name]

    actuator = sensor


def raises(kind, function, *arguments):
    """Return the exception of the kind that a call must raise."""
    try:
        function(*arguments)
    except kind as error:
        return error
    raise AssertionError("no " + kind.__name__)
