"""Watch what the handlers of an application do: who runs, what it says, what it keeps awake.

For CPython alone.
"""

from collections.abc import Callable
from typing import Any


class Calls:
    """Be told about every agent's handlers; what derives from it overrides what it needs."""

    def found(self, handler: str, what: str) -> None:
        """Be told of a handler: the name of its function, and when it runs, as "every 60 s"."""

    def entered(self, agent: str, handler: str, what: str) -> None:
        """Be told that an agent calls a handler."""

    def left(self, agent: str) -> None:
        """Be told that the handler returned or raised."""

    def said(self, agent: str, topic: str) -> None:
        """Be told that a message or a request on a topic is handed to the kernel."""

    def answered(self, agent: str) -> None:
        """Be told that the handler that runs returned something: a request's answer."""

    def stayed(self, agent: str) -> None:
        """Be told that the agent is asked not to sleep."""


def watched(setup: Callable[[Any], object], calls: Calls) -> Callable[[Any], object]:
    """Return a `setup` whose agents' handlers are watched."""
    return lambda agent: setup(_Watched(agent, calls))


class _Watched:
    """The agent as an application sees it."""

    def __init__(self, agent: Any, calls: Calls) -> None:
        self._agent = agent
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._agent, name)

    def every(self, period_ms: int) -> Callable[[Any], Any]:
        return self._decorate(self._agent.every(period_ms), f"every {period_ms / 1000:g} s")

    def on(self, topic: str) -> Callable[[Any], Any]:
        return self._decorate(self._agent.on(topic), f"on {topic}")

    def publish(self, topic: str, *rest: Any, **options: Any) -> Any:
        self._calls.said(self._agent.name, topic)
        return self._agent.publish(topic, *rest, **options)

    def request(
        self, topic: str, value: object, to: str, then: Any, deadline_ms: int = 5_000
    ) -> Any:
        self._calls.said(self._agent.name, topic)
        then = self._wrap(then, f"answer on {topic}")
        return self._agent.request(topic, value, to, then, deadline_ms)

    def stay_awake(self, span_ms: int) -> None:
        self._calls.stayed(self._agent.name)
        self._agent.stay_awake(span_ms)

    def _decorate(self, register: Callable[[Any], Any], what: str) -> Callable[[Any], Any]:
        def decorate(function: Any) -> Any:
            register(self._wrap(function, what))
            return function

        return decorate

    def _wrap(self, function: Any, what: str) -> Callable[..., Any]:
        calls, agent = self._calls, self._agent
        handler = getattr(function, "__name__", "handler")
        calls.found(handler, what)

        def counted(*arguments: Any) -> Any:
            calls.entered(agent.name, handler, what)
            try:
                answer = function(*arguments)
                if answer is not None:
                    calls.answered(agent.name)
            finally:
                calls.left(agent.name)
            return answer

        counted.__name__ = handler
        return counted
