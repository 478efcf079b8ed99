"""Run one stage of the tests against mutants that come on the standard input, one per line.

The tests are collected once. For each mutant a fork of this process gets its code and runs those
tests that enter its function, the quick ones first, until one fails. A test that never enters a
function cannot notice what is wrong in it: which enter which was seen in a run without a mutant.
Where nearly all of them enter nearly everything, that is not looked at: it takes long.

The control, which changes nothing, is asked of all tests, in both ways in which a mutant is.
"""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryFile
from types import CodeType, FrameType
from typing import IO, Any

import pytest
from mutants.graft import graft, outermost
from mutants.operators import UNCHANGED, Mutant

HEAP_BYTES = 4 << 30  # of a mutant that gathers without end
# Times as long as without a mutant, a second more, and what is made once, by whichever test is the
# first to need it: no test makes more than the longest of all took. Longer is an endless loop.
LONGER = 3

ALL = ""  # in place of a function's name: any of them
Entered = defaultdict[str, set[str]]


class Reach:
    """Which functions of the kernel are entered, named so that another tree knows them, too."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._kernel = str(self._root / "firmware" / "kernel")
        self._names: dict[int, tuple[str, CodeType]] = {}  # by id: hashing code takes long
        self.now: set[str] = set()

    def watch(self) -> None:
        """Begin to note what is entered."""
        sys.settrace(self._note)

    def _note(self, frame: FrameType, _event: str, _argument: object) -> None:
        code = frame.f_code
        known = self._names.get(id(code))
        if known is None:
            path = os.path.realpath(code.co_filename)
            name = ""
            if path.startswith(self._kernel):
                name = f"{Path(path).relative_to(self._root)}:{outermost(code)}"
            known = self._names[id(code)] = name, code
        if known[0]:
            self.now.add(known[0])


class Runner:
    """A pytest plugin that runs the collected tests once per mutant instead of once."""

    def __init__(  # noqa: PLR0917 - where it is, what it runs, whom it talks to
        self,
        root: Path,
        stage: list[str],
        known: Path,
        is_traced: bool,
        ask: IO[str],
        tell: IO[str],
    ) -> None:
        self._root, self._stage, self._known, self._is_traced = root, stage, known, is_traced
        self._ask, self._tell = ask, tell
        self._failed = known.with_suffix(".failed")  # which test
        self._reach = Reach(root)
        self._entered: dict[str, list[str]] = {}
        self._cpu_s: dict[str, float] = {}
        self._at_import: set[str] = set()
        self._reach.watch()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Answer each mutant with the name of the test that noticed it, "" if none did."""
        sys.settrace(None)
        self._at_import = self._reach.now
        if not self._known.exists() and _forked(lambda: self._look(session)):
            failed = self._failed.read_text() if self._failed.exists() else "a process"
            self._answer(f"{failed} fails without any mutant")
            return True
        seen = json.loads(self._known.read_text())
        self._entered, self._cpu_s = seen["entered"], seen["cpu_s"]
        self._answer("")
        for line in self._ask:
            self._answer(self._killer(session, Mutant(**json.loads(line))))
        return True

    def _answer(self, text: str) -> None:
        print(json.dumps(text), file=self._tell, flush=True)

    def _look(self, session: pytest.Session) -> int:
        """Run all tests without a mutant and note what each enters; returns 1 if one fails."""
        entered: Entered = defaultdict(set)
        shared: Entered = defaultdict(set)
        seconds: dict[str, float] = {}
        for item, following in _pairs(session.items):
            begin = time.process_time()
            self._reach.now = set()
            session.config.pluginmanager.register(Setup(self._reach, shared[_file(item)]), "up")
            if self._is_traced:
                self._reach.watch()
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            sys.settrace(None)
            session.config.pluginmanager.unregister(name="up")
            seconds[item.nodeid] = time.process_time() - begin
            for name in self._reach.now:
                entered[name].add(item.nodeid)
            if session.testsfailed:
                self._failed.write_text(item.nodeid)
                return 1
        for item in session.items:  # what a fixture did once, it did for each test of the file
            for name in shared[_file(item)]:
                entered[name].add(item.nodeid)
        names = {name: sorted(tests) for name, tests in entered.items()}
        if not self._is_traced:
            names = {ALL: [item.nodeid for item in session.items]}
        part = self._known.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps({"entered": names, "cpu_s": seconds}))
        part.replace(self._known)
        return 0

    def _killer(self, session: pytest.Session, mutant: Mutant) -> str:
        file = self._root / mutant.path
        original = file.read_text()
        name = f"{mutant.path}:{mutant.function}"
        is_control = mutant.operator == UNCHANGED
        tests = set(self._entered.get(name if self._is_traced else ALL, ()))
        items = [item for item in session.items if is_control or item.nodeid in tests]
        items.sort(key=lambda item: self._cpu_s[item.nodeid])
        file.write_text(mutant.source(original))
        try:
            killer = self._grafted(session, items, file, original, mutant)
            if is_control:
                return killer or self._anew(*self._stage)
            if name not in self._at_import:
                return killer
            # The tests hold what the original made while they were imported.
            return (killer and self._anew(killer)) or self._anew(*self._stage)
        finally:
            file.write_text(original)

    def _grafted(
        self,
        session: pytest.Session,
        items: list[pytest.Item],
        file: Path,
        original: str,
        mutant: Mutant,
    ) -> str:
        if not items:
            return ""
        once_s = max(self._cpu_s.values())
        # A file, not a pipe: that would be full before many tests are done.
        with TemporaryFile() as begun:

            def run() -> int:
                if not graft(file, original, mutant.tree(original)):
                    return 2
                resource.setrlimit(resource.RLIMIT_AS, (HEAP_BYTES, HEAP_BYTES))
                for item, following in _pairs(items):
                    os.write(begun.fileno(), item.nodeid.encode() + b"\n")
                    _limit(once_s + LONGER * (0.3 + self._cpu_s[item.nodeid]))
                    item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
                    if session.testsfailed:
                        return 1
                return 0

            status = _forked(run)
            begun.seek(0)
            last = begun.read().decode().splitlines()[-1:]
        if status == 2:
            return self._anew(*self._stage)
        return last[0] if status and last else ""

    def _anew(self, *tests: str) -> str:
        """Run tests in a process that imports the mutant from its file."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        ended = subprocess.run(
            [*command, *tests],
            cwd=self._root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: _limit(LONGER + 2 * sum(self._cpu_s.values())),
            check=False,
        )
        failed = [line.split()[1] for line in ended.stdout.splitlines() if line.startswith("FAIL")]
        return (failed or ["a process"])[0] if ended.returncode else ""


class Setup:
    """Tell what fixtures enter from what a test enters itself."""

    def __init__(self, reach: Reach, shared: set[str]) -> None:
        self._reach, self._shared = reach, shared

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Any:
        """Note all that is entered before the test."""
        result = yield
        self._shared |= self._reach.now
        return result


def _pairs(items: list[pytest.Item]) -> "zip[tuple[pytest.Item, pytest.Item | None]]":
    return zip(items, [*items[1:], None], strict=True)


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _limit(seconds: float) -> None:
    """End this process when it has used, or waited for, so many seconds from now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (spent, resource.RLIM_INFINITY))
    signal.alarm(int(60 + 10 * seconds))


def _forked(work: "Any") -> int:
    """Do something in a fork of this process; returns its exit code, or the signal negative."""
    child = os.fork()
    if not child:
        code = 3
        try:
            os.setpgid(0, 0)
            code = work()
        finally:
            os._exit(code)
    _pid, status = os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what it started itself
    return os.waitstatus_to_exitcode(status)


def main(known: str, is_traced: str, *stage: str) -> int:
    """Collect the tests of a stage, then answer mutants until the input ends."""
    tell = os.fdopen(os.dup(1), "w", encoding="utf-8")
    ask = os.fdopen(os.dup(0), encoding="utf-8")
    silent = os.open(os.devnull, os.O_RDWR)
    os.dup2(silent, 0)
    os.dup2(silent, 1)
    runner = Runner(Path.cwd(), list(stage), Path(known), bool(json.loads(is_traced)), ask, tell)
    return pytest.main(["-q", "-p", "no:cacheprovider", *stage], plugins=[runner])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
