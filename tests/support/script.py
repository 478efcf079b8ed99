"""A sink that writes down what a machine did, and the smallest tools of a test on two runtimes."""

from kernel.effects import Effects
from kernel.ports import Parts, Store


class Script(Effects):
    """Record every effect in order."""

    def __init__(self):
        self.frames = []
        self.links = []
        self.reports = []
        self.events = []
        self.errors = []

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

    def take_frames(self):
        """Return the frames recorded since the last call."""
        frames, self.frames = self.frames, []
        self.links = []
        return frames


class MemoryStore(Store):
    """Keep records in a dict; fail on demand."""

    def __init__(self):
        self.records = {}
        self.writes = []
        self.is_broken = False

    def read(self, key):
        """Return a record."""
        if self.is_broken:
            raise OSError(5)
        return self.records.get(key)

    def write(self, key, data):
        """Replace a record."""
        if self.is_broken:
            raise OSError(5)
        self.records[key] = data
        self.writes.append(key)


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
