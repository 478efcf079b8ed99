"""A mutant is judged by the tests that enter it, once: what was judged is kept."""

from pathlib import Path

import pytest
from mutants import sample
from mutants.operators import Mutant
from mutants.suite import Stage, Tree, Worker

STAGE = Stage("small", ("tests/unit/test_prng.py", "tests/unit/test_ticks.py"))


def find(path: str, function: str, text: str) -> Mutant:
    found = [
        mutant
        for mutant in sample.every()
        if mutant.path.endswith(path) and mutant.function == function and text in mutant.text
    ]
    assert found, text
    return found[0]


def test_who_is_killed_who_lives_and_that_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noticed = find("prng.py", "Prng.bits15", "self._x = product")
    never_entered = find("timers.py", "Timers.take_due", "self._is_set")
    chosen = [noticed, never_entered]
    monkeypatch.setattr(sample, "WORKERS", 1)
    said: list[str] = []
    kept = tmp_path / "kept.jsonl"
    judged = sample.judge(chosen, said.append, (STAGE,), sample.Kept(kept))
    assert judged == {noticed: "small", never_entered: ""}
    assert [line for line in said if line.startswith("lives: ")] == [
        f"lives: {never_entered.path}:{never_entered.line} {never_entered.function} "
        f"{never_entered.operator}: {never_entered.text}"
    ]
    monkeypatch.delattr(sample, "Worker")  # nothing is run again
    assert sample.judge(chosen, said.append, (STAGE,), sample.Kept(kept)) == judged


def test_what_one_tree_entered_another_knows(tmp_path: Path) -> None:
    noticed = find("prng.py", "Prng.bits15", "self._x = product")
    workers = [Worker(Tree(tmp_path / name), STAGE, tmp_path / "reach.json") for name in "ab"]
    try:
        assert all("test_prng.py" in worker.killer(noticed) for worker in workers)
    finally:
        for worker in workers:
            worker.close()


def test_a_mutant_that_never_ends_is_noticed_and_tests_that_fail_prove_nothing(
    tmp_path: Path,
) -> None:
    tree = Tree(tmp_path / "tree")
    kernel = tree.folder / "firmware" / "kernel" / "ticks.py"
    original = kernel.read_text()
    endless = original + "\n\ndef wait(n):\n    while n != 0:\n        n -= 1\n    return n\n"
    kernel.write_text(endless)
    test = tree.folder / "tests" / "unit" / "test_wait.py"
    test.write_text("from kernel.ticks import wait\n\ndef test_it():\n    assert wait(3) == 0\n")
    stage = Stage("waiting", ("tests/unit/test_wait.py",))
    path = "firmware/kernel/ticks.py"
    made = {mutant.operator: mutant for mutant in sample.mutants(path, endless)}
    worker = Worker(tree, stage, tmp_path / "reach.json")
    try:
        for mutant in (made["off by one"], made["flipped condition"]):  # 3, 1, -1, …
            assert worker.killer(mutant) == "tests/unit/test_wait.py::test_it"
        assert kernel.read_text() == endless
    finally:
        worker.close()
    test.write_text("def test_it():\n    assert False\n")
    with pytest.raises(RuntimeError, match=r"^waiting: .*test_it fails without any mutant;"):
        Worker(tree, stage, tmp_path / "other.json")


def test_a_process_that_ends_notices_nothing(tmp_path: Path) -> None:
    stage = Stage("small", ("tests/unit/test_ticks.py",))
    worker = Worker(Tree(tmp_path / "tree"), stage, tmp_path / "reach.json")
    worker._process.kill()
    with pytest.raises(RuntimeError, match="small: its process ended with -9; run it again"):
        worker.killer(find("prng.py", "Prng.bits15", "self._x = product"))


@pytest.mark.parametrize(
    "fails_unless",  # in a fork, and in a process that imports it anew
    ("HAD or not SEEN.exists()", "not HAD"),
)
def test_a_test_that_fails_though_nothing_is_changed_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_unless: str
) -> None:
    test = tmp_path / "test_once.py"
    test.write_text(
        f"from pathlib import Path\nSEEN = Path({str(tmp_path / 'seen')!r})\n"
        f"HAD = SEEN.exists()\n\ndef test_it():\n    assert {fails_unless}\n    SEEN.touch()\n"
    )
    monkeypatch.setattr(sample, "WORKERS", 1)
    noticed, kept = find("prng.py", "Prng.bits15", "self._x = product"), tmp_path / "kept.jsonl"
    with pytest.raises(RuntimeError, match=r"once: .*test_it fails though nothing is changed"):
        stage = Stage("once", (str(test),))
        sample.judge([noticed], lambda _text: None, (stage,), sample.Kept(kept))
    assert not kept.exists()
