"""What an application sees as `agent`.

Everything here is a promise to users: a name that stands here stays.

Input    calls from the application, in `setup`, in its handlers, or in tasks of its own
Effects  none at once: the agent's step carries them out
Bounds   HANDLERS_MAX, TIMERS_MAX, OUTBOX_FRAMES_MAX
"""

from .limits import HANDLERS_MAX, TOPIC_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .agent import Agent
    from .ports import Actuator, Sensor
    from .shapes import Callback, Handler
    from .state.values import State


class Message:
    """One message as its handlers get it, or the answer to a request.

    `error` is "" or why a request has no answer: "deadline" (nobody answered in time), "no
    handler", "failed" (the handler raised), "refused" (over the other agent's limits).
    """

    def __init__(self, source: str, topic: str, value: object, error: str = "") -> None:
        self.source = source  # the sender's name; its id in hex before it announced itself
        self.topic = topic
        self.value = value
        self.error = error


class Application:
    """The agent, for the code that makes it useful.

    Set `is_well` to False while you find that something is wrong with you: a release that a board
    tries is kept only if it is well, and given up if it does not become so.
    """

    is_well = True

    def __init__(self, core: "Agent") -> None:
        self._core = core
        self._handlers: "list[tuple[bytes, Handler]]" = []

    @property
    def name(self) -> str:
        """The name this agent was given."""
        return self._core.identity.name

    @property
    def state(self) -> "State":
        """A mapping that survives sleep and power loss: at most 24 text keys, 1 KB in all.

        A list or dict that a task of yours changes in place is looked at after the next handler
        and before every sleep: assign it again to have it noticed at once.

        A change is on flash within a second, and before every sleep. `state.critical("key")` has
        it there before any message leaves that was published after it.
        """
        return self._core.keeper.state

    def every(self, period_ms: int) -> "Callable[[Callback], Callback]":
        """Call the decorated function each `period_ms`, first one period from now."""

        def decorate(callback: "Callback") -> "Callback":
            self._core.add_timer(period_ms, callback)
            return callback

        return decorate

    def on(self, topic: str) -> "Callable[[Handler], Handler]":
        """Call the decorated function with each message on a topic.

        If the message is a request, what the function returns is the answer.
        Raises: ValueError for a topic of no or more than 32 bytes, or one handler too many.
        """
        if not 0 < len(topic.encode()) <= TOPIC_BYTES_MAX:
            raise ValueError("agent.on: a topic has 1 to %d bytes" % TOPIC_BYTES_MAX)
        if len(self._handlers) >= HANDLERS_MAX:
            raise ValueError("agent.on: at most %d handlers" % HANDLERS_MAX)

        def decorate(handler: "Handler") -> "Handler":
            self._handlers.append((topic.encode(), handler))
            return handler

        return decorate

    def publish(self, topic: str, value: object, to: str = "") -> bool:
        """Send a value to all agents in reach, or to the one named by `to`.

        Returns: False if it was dropped, because too much waits to be sent or nobody of that name
        was heard lately; the status counts it.
        Raises: ValueError if the value has no CBOR form or takes more than 1,024 bytes.
        """
        return self._core.publish(topic, value, to)

    def request(
        self, topic: str, value: object, to: str, then: "Handler", deadline_ms: int = 5_000
    ) -> bool:
        """Ask one agent, and call `then` with its answer, or with an error at the deadline.

        Returns: False if it was dropped at once, as by `publish`; `then` is not called then.
        Raises: ValueError if the value has no CBOR form or the deadline is out of bounds.
        """
        return self._core.request(topic, value, to, then, deadline_ms)

    def stay_awake(self, span_ms: int) -> None:
        """Do not sleep for a while: a task of yours, or something outside, needs this agent."""
        self._core.stay_awake(span_ms)

    def reboot(self) -> None:
        """Start the agent anew once this handler is done; its state is written before."""
        self._core.reboot()

    def report(self, name: str, value: object = None) -> None:
        """Tell whoever watches this agent's console that something happened."""
        self._core.app_event(name, value)

    def sensor(self, name: str) -> "Sensor":
        """Return the sensor of that name; `.read()` gives its present value.

        Raises: LookupError that says how to add one.
        """
        return self._core.parts.sensor(name)

    def actuator(self, name: str) -> "Actuator":
        """Return the actuator of that name; `.write(value)` sets it.

        Raises: LookupError that says how to add one.
        """
        return self._core.parts.actuator(name)

    def handlers(self) -> "list[tuple[bytes, Handler]]":
        """Return the topics and their handlers in the order of registration."""
        return self._handlers
