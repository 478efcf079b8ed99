"""Every public thing explains itself, and no document points at nothing."""

import ast
import re
import subprocess

import pytest

from tidy.tree import ROOT, own_files, parse, python_files

TARGETS = "help setup demo test test-emulator check figure figures soak clean".split()
SCREEN_LINES = 60
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")


def test_every_make_target_has_one_line_of_help() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    described = {line.split()[1]: line.split()[2:] for line in shown.stdout.splitlines()}
    assert all(described.get(target) for target in TARGETS), described


@pytest.mark.parametrize("folder", ["boards", "docs", "firmware", "host_tools", "sim", "tests"])
def test_each_top_level_folder_has_a_readme_of_one_screen(folder: str) -> None:
    lines = (ROOT / folder / "README.md").read_text().splitlines()
    assert 5 < len(lines) <= SCREEN_LINES


def test_the_map_of_the_tree_names_every_folder() -> None:
    parts = re.split(r"^(?=\w+/)", (ROOT / "ARCHITECTURE.md").read_text(), flags=re.MULTILINE)
    sections = {part.partition("/")[0]: part for part in parts}
    folders = {path.parts[:-1] for path in own_files() if path.parts[0] in sections}
    rooms = {folder[:2] for folder in folders if len(folder) > 1}
    rooms |= {folder[:3] for folder in folders if folder[:2] == ("firmware", "kernel")}
    unnamed = [
        "/".join(room) for room in sorted(rooms)
        if not re.search(rf"(?<![\w/]){room[-1]}/", sections[room[0]])
    ]  # fmt: skip
    assert not unnamed, unnamed
    table = (ROOT / "sim" / "README.md").read_text()
    assert not [room for room in rooms if room[0] == "sim" and f"`{room[1]}/`" not in table]


def test_every_module_opens_with_a_docstring() -> None:
    wrong = [
        str(path)
        for path in python_files()
        if (ROOT / path).stat().st_size and ast.get_docstring(parse(path)) is None
    ]
    assert not wrong, "\n".join(wrong)


def test_every_public_function_and_class_has_a_docstring() -> None:
    wrong = []
    for path in python_files("boards/", "firmware/", "host_tools/", "sim/"):
        if "examples" in path.parts or "template" in path.parts or "shims" in path.parts:
            continue  # applications are read as a whole; shims document the API they stand in for
        for node in parse(path).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
            if public and not node.name.startswith("_") and ast.get_docstring(node) is None:
                wrong.append(f"{path}:{node.lineno} {node.name}")
    assert not wrong, "\n".join(wrong)


def test_links_between_documents_lead_somewhere() -> None:
    wrong = []
    for path in own_files(".md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / path).read_text()):
            if not (ROOT / path.parent / target).exists():
                wrong.append(f"{path} → {target}")
    assert not wrong, "\n".join(wrong)


def test_nothing_is_left_unfinished() -> None:
    here = "tests/tidy/test_documents.py"
    wrong = [
        str(path)
        for path in own_files()
        if path.suffix in {".py", ".md", ".toml", ".sh", ""} and path.as_posix() != here
        if UNFINISHED.search((ROOT / path).read_text(errors="ignore"))
    ]
    assert not wrong, "\n".join(wrong)
