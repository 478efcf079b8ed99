"""Draw mutants of the whole kernel and say which of them the tests kill.

Run as a program, `python sample.py [COUNT] [SEED]`, it tells each survivor.
"""

import random
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from mutants.operators import OPERATORS, Mutant, mutants
from mutants.suite import ROOT, STAGES, Tree

COUNT = 300
SEED = 1
WORKERS = 2
REVIEWED = Path(__file__).with_name("equivalent.toml")

Say = Callable[[str], object]


def equivalent() -> dict[str, str]:
    """Return the reviewed mutants that change nothing anyone can see, each with the reason."""
    found: dict[str, str] = tomllib.loads(REVIEWED.read_text())
    return found


def draw(count: int = COUNT, seed: int = SEED) -> list[Mutant]:
    """Draw mutants at random, as many of each operator, from all over the kernel.

    Reviewed ones are left out: they are the same program.
    """
    known = equivalent()
    by_operator: dict[str, list[Mutant]] = {operator: [] for operator in OPERATORS}
    for path in sorted((ROOT / "firmware" / "kernel").rglob("*.py")):
        for mutant in mutants(str(path.relative_to(ROOT)), path.read_text()):
            if mutant.name not in known:
                by_operator[mutant.operator].append(mutant)
    rng = random.Random(seed)
    each = -(-count // len(OPERATORS))
    return [mutant for all_ in by_operator.values() for mutant in rng.sample(all_, each)][:count]


def judge(chosen: list[Mutant], say: Say) -> Iterator[tuple[Mutant, str]]:
    """Yield each mutant and the stage that killed it, "" if it lives.

    Raises: RuntimeError if the tests fail without a mutant: then they prove nothing.
    """
    with tempfile.TemporaryDirectory(prefix="cma-mutants-") as name:
        trees: SimpleQueue[Tree] = SimpleQueue()
        for worker in range(WORKERS):
            trees.put(Tree(Path(name) / str(worker)))

        def kill(mutant: Mutant) -> str:
            tree = trees.get()
            try:
                return tree.killed_by(mutant)
            finally:
                trees.put(tree)

        sound = trees.get()
        for stage in STAGES:
            if not sound.passes(stage):
                raise RuntimeError(f"{stage[0]} fails without any mutant; mend it first")
        trees.put(sound)
        with ThreadPoolExecutor(WORKERS) as pool:
            for number, (mutant, stage) in enumerate(
                zip(chosen, pool.map(kill, chosen), strict=True), 1
            ):
                if not stage:
                    say(f"lives: {mutant.path}:{mutant.line} {mutant.operator}: {mutant.text}")
                if not number % 10:
                    say(f"{number} of {len(chosen)} mutants")
                yield mutant, stage


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    judged = list(judge(draw(*numbers), lambda text: print(text, flush=True)))
    for shown in (*(stage[0] for stage in STAGES), ""):
        print(sum(stage == shown for _mutant, stage in judged), shown or "live")
