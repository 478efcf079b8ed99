from typing import Protocol

class Callback(Protocol):
    def __call__(self) -> object: ...

class Handler(Protocol):
    def __call__(self, message: object, /) -> object: ...

class Setup(Protocol):
    def __call__(self, agent: object, /) -> object: ...
