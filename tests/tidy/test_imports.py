"""Who may import whom: the arrows of ARCHITECTURE.md, held against every syntax tree."""

from pathlib import Path

from tidy.tree import imports, python_files

OURS = {"boards", "firmware", "host_tools", "sim", "tests"}
KERNEL_BASE = {"effects", "errors", "fields", "limits", "ports", "prng", "shapes", "ticks"}
KERNEL_LIBRARY = {"struct", "hashlib", "binascii", "array"}

# Folder → what of ours it may import. The longest folder that holds a file decides.
EDGES: dict[str, set[str]] = {
    "firmware/kernel": {"firmware.kernel"},
    "firmware/loader": {"firmware.kernel", "firmware.device", "firmware.loader"},
    "firmware": {"firmware.kernel", "firmware.device"},
    "boards": {"boards"},
    "sim": {"sim", "boards", "firmware.kernel", "host_tools.image"},
    "host_tools/image": {"host_tools.image", "boards", "firmware.kernel.release.layout"},
    "host_tools/on_device": set(),
    "host_tools/project/template": set(),
    "host_tools/cli": {"host_tools", "boards", "sim", "firmware.kernel"},
    "host_tools": {"host_tools", "boards", "firmware.kernel"},
}


def allowed(path: Path) -> set[str]:
    folders = [folder for folder in EDGES if path.as_posix().startswith(folder + "/")]
    return EDGES[max(folders, key=len)]


def within(name: str, roots: set[str]) -> bool:
    return any(name == root or name.startswith(root + ".") for root in roots)


def test_every_import_follows_an_arrow_of_the_architecture() -> None:
    files = python_files("boards/", "firmware/", "host_tools/", "sim/")
    assert files
    wrong = [
        f"{path}:{line} imports {name}"
        for path in files
        for line, name in imports(path)
        if name.split(".")[0] in OURS
        and name not in {"firmware", "sim", "boards", "host_tools"}
        and not within(name, allowed(path))
    ]
    assert not wrong, "\n".join(wrong)


def test_only_commands_import_commands() -> None:
    files = [path for path in python_files("host_tools/") if "cli" not in path.parts]
    wrong = [
        f"{path}:{line}"
        for path in files
        for line, name in imports(path)
        if within(name, {"host_tools.cli"})
    ]
    assert not wrong, "\n".join(wrong)


def test_the_kernel_imports_itself_and_four_modules() -> None:
    wrong = [
        f"{path}:{line} imports {name}"
        for path in python_files("firmware/kernel/")
        for line, name in imports(path)
        if not within(name, {"firmware.kernel"}) and name.split(".")[0] not in KERNEL_LIBRARY
    ]
    assert not wrong, "\n".join(wrong)


def test_a_room_of_the_kernel_imports_no_other_room() -> None:
    wrong = []
    for path in python_files("firmware/kernel/"):
        rooms = path.parts[2:-1]
        if not rooms:
            continue
        may = {f"firmware.kernel.{name}" for name in KERNEL_BASE | {"codec", rooms[0]}}
        wrong += [
            f"{path}:{line} imports {name}"
            for line, name in imports(path)
            if name.startswith("firmware.kernel.") and not within(name, may)
        ]
    assert not wrong, "\n".join(wrong)


def test_nothing_installs_a_generic_top_level_name() -> None:
    wrong = [
        f"{path}:{line} imports {name}"
        for path in python_files("boards/", "host_tools/", "sim/")
        if "shims" not in path.parts and "on_device" not in path.parts
        for line, name in imports(path)
        if name.split(".")[0] == "tests"
    ]
    assert not wrong, "\n".join(wrong)
