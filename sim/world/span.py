"""How often and how long something was on."""


class Span:
    """A count and a sum, over all the times that it was on."""

    def __init__(self) -> None:
        self.is_open = False
        self.count = 0
        self._done_ms = 0
        self._since_ms = 0

    def turn(self, is_on: bool, now_ms: int) -> None:
        """Begin or end a span; the same again changes nothing."""
        self.count += is_on and not self.is_open
        self._done_ms = self.total_ms(now_ms)
        self.is_open, self._since_ms = is_on, now_ms

    def total_ms(self, now_ms: int) -> int:
        """Return the spans until now."""
        return self._done_ms + (now_ms - self._since_ms if self.is_open else 0)
