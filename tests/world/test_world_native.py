"""What mypyc is told beyond the files: constants keep their values, arrays their lengths."""

import ast
import importlib
import re

import pytest

from cma_toolkit.firmware.kernel.limits import Quotas
from cma_toolkit.sim.world import compiled, native, native_buffers


@pytest.fixture(scope="module")
def texts():
    sources = compiled._sources()
    return {f"cma_toolkit/{name}": (compiled.ROOT / name).read_text() for name in sources}


@pytest.fixture(scope="module")
def rewritten(texts):
    return native.rewrite(texts)


def finals_of(text):
    return {
        node.target.id: ast.literal_eval(node.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation).startswith("Final")
    }


def rewrite_one(text, name="cma_toolkit/one.py", **others):
    files = {f"cma_toolkit/{other}.py": content for other, content in others.items()}
    return native.rewrite({name: text, **files})[name]


def test_every_constant_has_the_value_that_the_file_itself_gives_it(rewritten):
    count = 0
    for name, text in rewritten.items():
        module = importlib.import_module(name.removesuffix(".py").replace("/", "."))
        for constant, value in finals_of(text).items():
            there = getattr(module, constant)
            assert (there, type(there)) == (value, type(value)), f"{name}: {constant}"
            count += 1
    assert count > 300


def test_constants_of_hot_files_are_all_known(rewritten):
    for name in ("ticks", "timers", "limits", "mesh/windows", "codec/frame"):
        text = rewritten[f"cma_toolkit/firmware/kernel/{name}.py"]
        left = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
        assert {node.targets[0].id for node in left} <= {"TYPE_CHECKING"}, name


def test_lines_keep_their_numbers(texts, rewritten):
    for name, text in texts.items():
        assert rewritten[name].count("\n") == text.count("\n"), name
        assert len(rewritten[name].splitlines()) == len(text.splitlines()), name


def test_a_constant_is_made_with_others_and_with_those_of_other_files():
    text = '"""It."""\nfrom .other import SIX\nNINE = SIX + 3  # why\nA, B = range(2)\n'
    new = rewrite_one(text, other="SIX = 6\n")
    assert new.splitlines() == [
        '"""It."""',
        f"{native._HEAD}from .other import SIX",
        "NINE: Final = 9  # why",
        "A: Final = 0; B: Final = 1",
    ]


def test_what_is_no_constant_stays_as_it_is():
    text = "import os\nHERE = os.sep\nword = 1\n_KEYS = {1: 2}\nTYPE_CHECKING = False\n"
    assert rewrite_one(text) == text


def test_arrays_are_packed_and_as_long_as_before():
    text = (
        "from array import array\n"
        'a = array("H", bytes(2 * 3))\n'
        'b = array("I", [4, 5])\n'
        'c = a + array("H", bytes(2))\n'
        'd = array("h")\n'
    )
    new = rewrite_one(text).splitlines()[1:]
    assert new == [
        "a = vec[i64]([0] * (2 * 3 // 2))",
        "b = vec[i64]([4, 5])",
        "c = extend(a, vec[i64]([0] * (2 // 2)))",
        "d = vec[i64]()",
    ]
    assert rewrite_one(text, "cma_toolkit/kernel/state/one.py") == text


def test_a_packed_array_is_as_long_as_what_the_board_has(rewritten):
    text = rewritten["cma_toolkit/firmware/kernel/limits.py"]
    assert "array(" not in text
    scope = {**finals_of(text), "vec": {"i64": list}, "i64": "i64"}
    calls = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "vec[i64]"
    ]
    lengths = [len(eval(ast.unparse(node), scope)) for node in calls]
    quotas = Quotas()
    fields = [quotas.refused, quotas._levels, quotas._taken, quotas._capacity]
    fields += [quotas._per_hour, quotas._rest]
    assert lengths == [len(field) for field in fields]


@pytest.mark.parametrize("rule", native_buffers.RULES, ids=lambda rule: rule[1][:30])
def test_no_rule_about_buffers_has_outlived_what_it_is_for(texts, rule):
    files, old, new = rule
    chosen = [text for name, text in texts.items() if re.search(files, name)]
    changed = [text for text in chosen if re.sub(old, new, text, flags=re.MULTILINE) != text]
    assert changed


def test_a_snapshot_is_written_into_packed_bytes_and_read_from_bytes(rewritten):
    for name, text in rewritten.items():
        for save in re.findall(r"def save_into\(.*", text):
            assert "buffer: vec[u8]" in save, name
        for load in re.findall(r"def load_from\(.*", text):
            assert 'buffer: "bytes"' in load, name
