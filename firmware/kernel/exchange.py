"""What an application says and hears: messages, requests and their answers.

The border to a user's code: what it raises is counted and reported here, and goes no further.

Input    publish, request (application); on_message, on_request, on_response (router); expire(now)
Effects  out.app_error(where, error)
Bounds   REQUESTS_MAX, HANDLERS_MAX; values are decoded only if there is a handler for them
"""

from .application import Message
from .codec import frame, messages
from .codec.cbor import CborError
from .effects import LINK_ALL
from .errors import (
    DROP_LATE_REPLY,
    DROP_NO_SUCH_NEIGHBOUR,
    DROP_QUOTA,
    DROP_REQUESTS_FULL,
)
from .health import meters
from .mesh.neighbours import NOBODY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .codec.messages import Envelope
    from .effects import Effects
    from .health.meters import Meters
    from .mesh.neighbours import Neighbours
    from .mesh.requests import Requests
    from .mesh.transmitter import Transmitter
    from .prng import Prng
    from .shapes import Callback, Handler

# By the status of a response; the texts are those of `application.Message.error`.
_ERRORS = ("", "no handler", "failed", "refused")
_DEADLINE = "deadline"


class Exchange:
    """Carry values between the handlers of one application and the mesh."""

    out: "Effects"  # that of the present step

    def __init__(  # noqa: PLR0917 - its machines
        self,
        handlers: "list[tuple[bytes, Handler]]",
        neighbours: "Neighbours",
        transmitter: "Transmitter",
        rng: "Prng",
        counters: "Meters",
        may_run: "Callable[[], bool]",
    ) -> None:
        self.handlers = handlers
        self.requests: "Requests | None" = None  # until the application asks somebody
        # Random: an answer to a request from before a restart finds nobody.
        self._correlation = rng.below(0xFFFF)
        self.has_run = False  # code of the application, in this step
        self._neighbours = neighbours
        self._transmitter = transmitter
        self._meters = counters
        self._may_run = may_run  # asked before a handler is called for others

    # --- from the application ---

    def publish(self, topic: str, value: object, to: str) -> bool:
        """Send a value to one agent by name, or to all."""
        if not to:
            return self._transmitter.message(topic, value, frame.BROADCAST, LINK_ALL)
        row = self._find(to, frame.KIND_MESSAGE)
        if row == NOBODY:
            return False
        near = self._neighbours
        return self._transmitter.message(topic, value, near.ids[row], near.links[row])

    def request(  # noqa: PLR0917 - as the application's own
        self, now_ms: int, topic: str, value: object, to: str, then: "Handler", deadline_ms: int
    ) -> bool:
        """Ask one agent by name."""
        row = self._find(to, frame.KIND_REQUEST)
        if row == NOBODY:
            return False
        target, link = self._neighbours.ids[row], self._neighbours.links[row]
        requests = self.requests or self.load_requests()
        correlation = requests.open(now_ms, target, deadline_ms, then) if requests else 0
        if not requests or not correlation:
            self._meters.drop(DROP_REQUESTS_FULL, frame.KIND_REQUEST)
            return False
        sent = False
        try:
            sent = self._transmitter.request(correlation, topic, value, target, link)
        finally:
            if not sent:
                requests.cancel(correlation)
        return sent

    def load_requests(self) -> "Requests | None":
        """Return the table of requests, made now; None if there is no heap for it."""
        try:
            from .mesh.requests import Requests

            self.requests = Requests(self._correlation)
        except MemoryError:
            pass
        return self.requests

    def _find(self, name: str, kind: int) -> int:
        row = self._neighbours.find_name(name)
        if row == NOBODY:
            self._meters.drop(DROP_NO_SUCH_NEIGHBOUR, kind)
        return row

    # --- from the router: each returns 0 or why the frame is dropped ---

    def on_message(self, now_ms: int, envelope: "Envelope") -> int:
        """Call every handler of a message's topic."""
        message = None
        for index in range(len(self.handlers)):
            topic, handler = self.handlers[index]
            if not envelope.is_on(topic):
                continue
            if not self._may_run():
                return DROP_QUOTA
            if message is None:
                message = self._open(envelope)
            self._run(handler, message)
        return 0

    def on_request(self, now_ms: int, envelope: "Envelope") -> int:
        """Call the first handler of a request's topic, and answer with what it returns."""
        for index in range(len(self.handlers)):
            topic, handler = self.handlers[index]
            if not envelope.is_on(topic):
                continue
            if not self._may_run():
                self._transmitter.respond(envelope, messages.STATUS_REFUSED, None)
                return DROP_QUOTA
            done, value = self._run(handler, self._open(envelope))
            if done:
                self._answer(envelope, handler, value)
            else:
                self._transmitter.respond(envelope, messages.STATUS_FAILED, None)
            return 0
        self._transmitter.respond(envelope, messages.STATUS_NO_HANDLER, None)
        return 0

    def on_response(self, now_ms: int, envelope: "Envelope") -> int:
        """Call what a request left to be called with its answer."""
        requests, source_id = self.requests, envelope.source
        if not requests or not requests.expects(source_id, envelope.correlation):
            return DROP_LATE_REPLY
        source = self._neighbours.name(envelope.row)
        error = _ERRORS[envelope.status] if envelope.status < len(_ERRORS) else _ERRORS[-1]
        message = Message(source, "", envelope.value(), error)
        # Taken at last: without heap for the answer its deadline is told.
        callback = requests.take(source_id, envelope.correlation)
        assert callback is not None
        self._run(callback, message)
        return 0

    def expire(self, now_ms: int) -> None:
        """Tell the application which of its requests nobody answered in time.

        Without heap to tell it, they wait for the next step.
        """
        requests = self.requests
        while requests and requests.has_expired(now_ms):
            try:
                message = Message("", "", None, _DEADLINE)
            except MemoryError:
                return
            callback = requests.take_expired(now_ms)
            assert callback is not None
            self._run(callback, message)

    def call(self, callback: "Callback") -> None:
        """Call a timer's function."""
        self.has_run = True
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - the boundary to a user's code
            self.on_error(_name_of(callback), error)

    def on_error(self, where: str, error: Exception) -> None:
        """Count what an application raised, and report it if there is heap for that."""
        self._meters.add(meters.APP_ERRORS)
        try:
            self.out.app_error(where, error)
        except MemoryError:  # which may well be what the application ran into
            pass

    def _open(self, envelope: "Envelope") -> Message:
        fields = envelope.fields()
        topic = fields[-2]
        assert isinstance(topic, str)
        return Message(self._neighbours.name(envelope.row), topic, fields[-1])

    def _run(self, handler: "Handler", message: Message) -> "tuple[bool, object]":
        self.has_run = True
        try:
            return True, handler(message)
        except Exception as error:  # noqa: BLE001 - the boundary to a user's code
            self.on_error(_name_of(handler), error)
            return False, None

    def _answer(self, envelope: "Envelope", handler: "Handler", value: object) -> None:
        try:
            self._transmitter.respond(envelope, messages.STATUS_OK, value)
        except CborError as error:
            self.on_error(_name_of(handler), error)
            self._transmitter.respond(envelope, messages.STATUS_FAILED, None)


def _name_of(function: object) -> str:
    # Any callable may be a handler; only functions have a name on both runtimes.
    return getattr(function, "__name__", "handler")
