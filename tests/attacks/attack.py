"""An attack is tried against our verifier, and once against each verifier that lacks one check.

`@attack(check, …)` makes of one test several: `[stopped]`, in which what the attacker wants must
not happen, and one per check, in which that check is taken out and it must. A test hands over what
is good, too: a verifier that lacks a check and refuses everything would show nothing.
"""

import ast
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import pytest
from mutants.graft import graft

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.image.errors import ImageError

ROOT = Path(__file__).parents[2]
STOPPED = "stopped"
RUNS_ON_BOARDS_ALONE = "firmware/loader/"  # a test reads it by `source_of`

Value = TypeVar("Value")

_edited: dict[Path, str] = {}


class SucceededError(Exception):
    """The attacker got what he wanted."""


@dataclass(frozen=True)
class Edit:
    """One place of a check: text that stands once in a file, and what stands there without it."""

    path: str
    text: str
    without: str

    @property
    def source(self) -> str:
        """Return the file as it is.

        Raises: LookupError if the text is not there, or twice: the check was moved or removed.
        """
        source = (ROOT / self.path).read_text()
        if source.count(self.text) != 1:
            raise LookupError(
                f"{self.path} has {source.count(self.text)} times {self.text!r}: an attack that "
                "is stopped there has to learn where its check is now."
            )
        return source

    def edited(self, source: str) -> str:
        """Return a source without this place of the check, every other line where it was."""
        lines = self.text.count("\n") - self.without.count("\n")
        assert lines >= 0, self
        return source.replace(self.text, self.without + "\n" * lines)


@dataclass(frozen=True)
class Check:
    """What stops an attack, named: places that are of no use to it one without the other."""

    name: str
    edits: tuple[Edit, ...]

    def sources(self) -> dict[str, tuple[str, str]]:
        """Return each file as it is and without the check, by its path."""
        found: dict[str, tuple[str, str]] = {}
        for edit in self.edits:
            source, edited = found.get(edit.path, (edit.source, edit.source))
            found[edit.path] = source, edit.edited(edited)
        return found

    @contextmanager
    def removed(self) -> Iterator[None]:
        """Let every module run without the check: functions and tables.

        `cma` imports much of itself only when a command needs it, and what is imported after the
        check was taken out would have it: so it is imported before.
        """
        for path in self.sources():
            if not path.startswith(RUNS_ON_BOARDS_ALONE):
                import_module("cma_toolkit." + path.removesuffix(".py").replace("/", "."))
        pairs = [(ROOT / path, *sources) for path, sources in self.sources().items()]
        try:
            for path, source, edited in pairs:
                _put(path, source, edited)
                _edited[path] = edited
            yield
        finally:
            _edited.clear()
            for path, source, edited in pairs:
                _put(path, edited, source)


def source_of(path: str) -> str:
    """Return a file as it is to run now, for whoever does not import it."""
    return _edited.get(ROOT / path) or (ROOT / path).read_text()


def _put(path: Path, old: str, new: str) -> None:
    """Have the modules of a file do what a new source says."""
    assert graft(path, old, ast.parse(new)), path
    before, after = _tables(old), _tables(new)
    changed = [name for name in after if before.get(name) != after[name]]
    for module in list(sys.modules.values()) if changed else ():
        if Path(getattr(module, "__file__", None) or "").resolve() == path:
            made: dict[str, Any] = {"__name__": module.__name__, "__package__": module.__package__}
            exec(compile(new, str(path), "exec"), made)
            for name in changed:
                setattr(module, name, made[name])


def _tables(source: str) -> dict[str, str]:
    """Return the text of each constant of a module."""
    return {
        ast.unparse(node.targets[0]): ast.unparse(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
    }


def check(name: str, path: str, text: str, without: str, *more: tuple[str, str, str]) -> Check:
    """Return a check by where it stands; `more` are its other places."""
    return Check(name, tuple(Edit(*place) for place in ((path, text, without), *more)))


def attack(*checks: Check) -> Callable[[Callable[..., None]], Any]:
    """Make of a test the attack it describes: stopped with our code, not without a check."""
    names = [STOPPED, *(f"without {one.name}" for one in checks)]

    def decorate(test: Callable[..., None]) -> Any:
        @functools.wraps(test)
        def tried(*, removed: Check | None, **fixtures: Any) -> None:
            if removed is None:
                test(**fixtures)
                return
            with removed.removed(), pytest.raises(SucceededError):
                test(**fixtures)

        own = list(inspect.signature(test).parameters.values())
        own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
        extra = inspect.Parameter("removed", inspect.Parameter.KEYWORD_ONLY)
        tried.__signature__ = inspect.Signature([*own, extra])  # type: ignore[attr-defined]
        return pytest.mark.parametrize("removed", [None, *checks], ids=names)(tried)

    return decorate


def stopped(is_stopped: object, what: str = "") -> None:
    """Go on if the attacker did not get what he wanted."""
    if not is_stopped:
        raise SucceededError(what)


def refused(take: Callable[[], int], reason: int = 0, what: object = "") -> int:
    """Hand over what must be refused, for a reason if one is given; return for which it was.

    A verifier that crashes has lost.
    """
    answer = survived(take)
    stopped(answer, f"{what} is taken")
    assert reason in {0, answer}, what
    return answer


def refused_by_cma(code: ExitCode, call: Callable[[], object]) -> str:
    """Let a person do what `cma` must refuse; return its sentence."""
    try:
        call()
    except CmaError as error:
        assert error.code == code
        return error.message
    except ImageError as error:  # the command makes a refusal of it
        assert code == ExitCode.REFUSED
        return str(error)
    raise SucceededError("cma did it")


def survived(call: Callable[[], Value]) -> Value:
    """Return what a call returns; an exception of any kind would restart a board, for ever."""
    try:
        return call()
    except Exception as error:
        raise SucceededError("a crash") from error
