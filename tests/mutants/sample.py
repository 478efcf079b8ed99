"""Draw mutants of the whole kernel and say which of them the tests kill.

`cd tests && ../.venv/bin/python -m mutants.sample [COUNT] [SEED]` judges any sample and tells each
survivor. What was judged is kept until something changes, so a run that is stopped goes on where
it was.
"""

import hashlib
import itertools
import json
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from mutants.operators import CONTROL, OPERATORS, Mutant, mutants
from mutants.suite import FILES, ROOMS, ROOT, STAGES, Stage, Tree, Worker

COUNT = 300
SEED = 1
WORKERS = 2
REVIEWED = Path(__file__).with_name("equivalent.toml")
KEPT = ROOT / "build" / "mutants.jsonl"

Say = Callable[[str], object]


def equivalent() -> dict[str, str]:
    """Return the reviewed mutants that change nothing anyone can see, each with the reason."""
    found: dict[str, str] = tomllib.loads(REVIEWED.read_text())
    return found


def every() -> list[Mutant]:
    """Return all mutants of the kernel, in order of file and place."""
    return [
        mutant
        for path in sorted((ROOT / "firmware" / "kernel").rglob("*.py"))
        for mutant in mutants(str(path.relative_to(ROOT)), path.read_text())
    ]


def draw(count: int = COUNT, seed: int = SEED) -> list[Mutant]:
    """Draw mutants, as many of each operator, from all over the kernel.

    Which are drawn depends on the seed and each one's name only, so that one review more, or an
    edit elsewhere, changes one of the sample and not all. Reviewed ones are left out: they are
    the same program.
    """
    known = equivalent()
    by_operator: dict[str, list[Mutant]] = {operator: [] for operator in OPERATORS}
    for mutant in every():
        if mutant.name not in known:
            by_operator[mutant.operator].append(mutant)
    for all_ in by_operator.values():
        all_.sort(key=lambda mutant: hashlib.sha256(f"{seed} {mutant.name}".encode()).digest())
    turns = itertools.zip_longest(*by_operator.values())
    return [mutant for turn in turns for mutant in turn if mutant][:count]


class Kept:
    """Answers of this and earlier runs on the same files: by stage and mutant."""

    def __init__(self, path: Path = KEPT) -> None:
        self._path, self._version = path, _version()
        self._answers: dict[tuple[str, str], str] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                version, stage, name, killer = json.loads(line)
                if version == self._version:
                    self._answers[stage, name] = killer

    def get(self, stage: Stage, mutant: Mutant) -> str | None:
        """Return which test killed a mutant, "" if none, None if that is not known."""
        return self._answers.get((stage.name, mutant.name))

    def put(self, stage: Stage, mutant: Mutant, killer: str) -> None:
        """Keep an answer, also over the end of this process."""
        self._answers[stage.name, mutant.name] = killer
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps([self._version, stage.name, mutant.name, killer]) + "\n")


def _version() -> str:
    """Digest all that an answer depends on."""
    digest = hashlib.sha256()
    files = [path for room in (*ROOMS, "tests") for path in (ROOT / room).rglob("*")]
    for path in sorted([*files, *(ROOT / name for name in FILES)]):
        if path.is_file() and "__pycache__" not in path.parts and path != REVIEWED:
            digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def judge(
    chosen: list[Mutant], say: Say, stages: tuple[Stage, ...] = STAGES, kept: Kept | None = None
) -> dict[Mutant, str]:
    """Return for each mutant the stage that killed it, "" if it lives.

    Raises: RuntimeError if the tests fail without a mutant, or with one that changes nothing: then
    they prove nothing; or if a process that runs them ends.
    """
    kept = kept or Kept()
    killed_in = dict.fromkeys(chosen, "")
    for stage in stages:
        living = [m for m in chosen if not killed_in[m] and stage.about in m.path]
        say(f"{stage.name}: {len(living)} mutants")
        for mutant, killer in _in_stage(stage, living, kept, say):
            if killer:
                killed_in[mutant] = stage.name
    for mutant, name in killed_in.items():
        if not name:
            say(f"lives: {mutant.path}:{mutant.line} {mutant.function} {mutant.operator}: "
                f"{mutant.text}")  # fmt: skip
    return killed_in


def _in_stage(
    stage: Stage, chosen: list[Mutant], kept: Kept, say: Say
) -> Iterator[tuple[Mutant, str]]:
    """Yield each mutant with the test that kills it in one stage, "" if none."""
    unknown = []
    for mutant in chosen:
        answer = kept.get(stage, mutant)
        if answer is None:
            unknown.append(mutant)
        else:
            yield mutant, answer
    if not unknown:
        return
    if kept.get(stage, CONTROL) is None:
        unknown.insert(0, CONTROL)
    with tempfile.TemporaryDirectory(prefix="cma-mutants-") as name:
        free: SimpleQueue[Worker] = SimpleQueue()
        made = [
            Worker(Tree(Path(name) / str(number)), stage, Path(name) / "reach.json")
            for number in range(min(WORKERS, len(unknown)))
        ]
        for worker in made:
            free.put(worker)

        def kill(mutant: Mutant) -> str:
            worker = free.get()
            try:
                return worker.killer(mutant)
            finally:
                free.put(worker)

        try:
            with ThreadPoolExecutor(len(made)) as pool:
                answers = pool.map(kill, unknown)
                for number, (mutant, killer) in enumerate(zip(unknown, answers, strict=True), 1):
                    if mutant is CONTROL and killer:
                        what = f"{stage.name}: {killer} fails though nothing is changed"
                        raise RuntimeError(f"{what}; mend it first")
                    kept.put(stage, mutant, killer)
                    if mutant is CONTROL:
                        continue
                    if not number % 20:
                        say(f"{stage.name}: {number} of {len(unknown)} mutants")
                    yield mutant, killer
        finally:
            for worker in made:
                worker.close()


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    judged = judge(draw(*numbers), lambda text: print(text, flush=True))
    for shown in (*(stage.name for stage in STAGES), ""):
        print(sum(name == shown for name in judged.values()), shown or "live")
