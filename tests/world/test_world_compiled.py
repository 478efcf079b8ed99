"""Machine code of the kernel: which files it is made of, and what is said when it cannot be made.

That it comes to the digest of the files themselves is held by the figure `world_speed`, which
needs a C compiler.
"""

import ast
import importlib.util
import subprocess
import sys

import pytest

import cma_toolkit.firmware.kernel.agent  # noqa: F401 - one test is about a process that has it
from cma_toolkit.sim.world import compiled


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CMA_CACHE", str(tmp_path))
    return tmp_path


def test_all_that_an_agent_loads_and_the_engine_is_in_it():
    sources = compiled._sources()
    for name in ("agent", "state/mending", "mesh/router", "codec/fragments", "recovery/boots"):
        assert f"firmware/kernel/{name}.py" in sources
    for name in ("board", "fleet", "hardware/flash", "hardware/recovered", "medium/radio"):
        assert f"sim/world/{name}.py" in sources
    assert len(set(sources)) == len(sources) and not [
        name for name in sources if name.endswith("__init__.py")
    ]


def test_what_others_derive_from_may_be_derived_from(tmp_path):
    compiled._copy(compiled._sources(), tmp_path)
    for name in compiled.BASES:
        text = (tmp_path / "cma_toolkit" / name).read_text()
        classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
        assert classes and all(len(node.decorator_list) == 1 for node in classes)
        assert text.count("import mypyc_attr") == 1


def test_mypyc_takes_every_file(tmp_path):
    sources = compiled._sources()
    compiled._copy(sources, tmp_path)
    program = "import sys; from mypyc.build import mypycify; mypycify(sys.argv[1:])"
    ended = subprocess.run(
        [sys.executable, "-c", program, *(f"cma_toolkit/{name}" for name in sources)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not ended.returncode, ended.stdout + ended.stderr


def test_a_process_that_has_the_kernel_already_is_told(empty_cache):
    with pytest.raises(compiled.CompileError, match="imported already; compile before that"):
        compiled.use()


def test_without_mypyc_one_sentence_says_what_to_install(empty_cache, monkeypatch):
    told = []
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(compiled.CompileError, match=r"install cma-toolkit\[compiled\]"):
        compiled.make(lambda: told.append(True))
    assert told == [True]
    assert not list((empty_cache / "compiled").iterdir()), "nothing half made stays"


def test_what_was_made_is_used_until_a_file_changes(empty_cache, monkeypatch):
    sources = compiled._sources()
    made = empty_cache / "compiled" / compiled._digest_of(sources)
    made.mkdir(parents=True)
    assert compiled.make() == made
    assert compiled._digest_of(sources) != compiled._digest_of(sources[1:])


def test_importing_it_imports_no_kernel():
    program = (
        "import sys; from cma_toolkit.sim.world import compiled;"
        "print([name for name in sys.modules if 'kernel' in name])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "[]"


def test_what_another_installation_kept_is_not_run_without_mypyc(empty_cache, monkeypatch):
    kept = empty_cache / "compiled" / compiled._digest_of(compiled._sources())
    kept.mkdir(parents=True)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "mypyc" else find(name)
    )
    with pytest.raises(compiled.CompileError, match=r"install cma-toolkit\[compiled\]"):
        compiled.make()
