"""A neighbour that says what a test has it say: the other side of one agent on its own.

It is the last agent of its world, always awake, and has the kernel, but not the application.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Says = Sequence[tuple[int, str, object]]

_TICK_MS = 1_000
_AWAKE_MS = 5_000


def with_neighbour(
    setup: "Callable[[object], object]", name: str, says: "Says"
) -> "Callable[[Any], object]":
    """Return a `setup` that is the application's but for the agent of that name.

    Shape: what it says are (second, topic, value) each, at any order; with the value goes the
    message. A message leaves in that second, or in the next window.
    """
    left = sorted(says, key=lambda row: row[0])

    def set_up(agent: "Any") -> object:
        if agent.name != name:
            return setup(agent)
        seconds = 0

        def speak() -> None:
            nonlocal seconds
            seconds += 1
            agent.stay_awake(_AWAKE_MS)
            while left and left[0][0] <= seconds:
                _at_s, topic, value = left.pop(0)
                agent.publish(topic, value)

        agent.every(_TICK_MS)(speak)
        return None

    return set_up
