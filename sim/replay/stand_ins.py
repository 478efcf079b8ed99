"""Modules of MicroPython that an application may import while it is replayed here.

What the board's hardware said through them was not noted, so whoever asks them gets no answer.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from types import ModuleType
from typing import Any

_HARDWARE = ("machine", "esp32", "network", "espnow", "micropython")
_TICKS = 1 << 30


class DivergedError(BaseException):
    """The replay is no longer what happened on the board: the text says why.

    It is no Exception, so that an application's own handlers let it pass.
    """


class ResetError(BaseException):
    """The application reset the board."""


class StandIns:
    """What the application did with them: `has_tasks`, which are not replayed."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.has_tasks = False
        self._now_ms = now_ms

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Have the modules there meanwhile; `time` tells the replay's instants and never waits."""
        made = self._make()
        before = {name: sys.modules.get(name) for name in made}
        sys.modules.update(made)
        try:
            yield
        finally:
            for name, module in before.items():
                if module is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = module

    def _make(self) -> dict[str, ModuleType]:
        made: dict[str, ModuleType] = {name: _Hardware(name) for name in _HARDWARE}
        vars(made["machine"]).update(reset=_reset, soft_reset=_reset)
        vars(made["micropython"]).update(const=lambda value: value)
        made["time"] = _clock(self._now_ms)
        made["asyncio"] = tasks = ModuleType("asyncio")
        vars(tasks).update({name: getattr(asyncio, name) for name in asyncio.__all__})
        vars(tasks).update(create_task=self._leave_out, sleep_ms=asyncio.sleep)
        return made

    def _leave_out(self, task: Coroutine[Any, Any, Any]) -> None:
        task.close()
        self.has_tasks = True


class _Hardware(ModuleType):
    """Have every name, and an answer for none."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(*_: object, **__: object) -> None:
            raise DivergedError(
                f"the application calls {self.__name__}.{name}, whose answer no board notes; "
                "put it behind agent.sensor() to have it noted"
            )

        return refuse


def _reset() -> None:
    raise ResetError


def _clock(now_ms: Callable[[], int]) -> ModuleType:
    module = ModuleType("time")
    vars(module).update({name: value for name, value in vars(time).items() if name[0] != "_"})
    vars(module).update(
        ticks_ms=now_ms,
        ticks_us=lambda: now_ms() * 1000 % _TICKS,
        ticks_add=lambda ticks, span: (ticks + span) % _TICKS,
        ticks_diff=lambda ticks, other: ((ticks - other + _TICKS // 2) % _TICKS) - _TICKS // 2,
        time=lambda: now_ms() // 1000,
        sleep=lambda _: None,
        sleep_ms=lambda _: None,
        sleep_us=lambda _: None,
    )
    return module
