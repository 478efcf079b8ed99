"""The kernel as an image holds it, importable by the names under which it was written.

The unit tests import `kernel.codec.cbor`; in an image that is a part of `kernel`. Here a stub for
each module takes from there what tests use. The names that tests use keep their names; all else is
shrunk as in an image.
"""

import ast
from collections.abc import Iterable
from pathlib import Path

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.shrink.bundle import names_in_bundle
from cma_toolkit.host_tools.image.shrink.firmware import AGENT, KERNEL, shrink
from cma_toolkit.host_tools.image.shrink.fold import constants, fold
from cma_toolkit.host_tools.image.shrink.names import names_in


def shrunk_kernel(tests: Iterable[Path]) -> dict[str, bytes]:
    """Return the compiled files of a kernel that these tests can import."""
    plain = mpy.read_sources(FIRMWARE, (KERNEL,))
    used = {name for path in tests for name in names_in(ast.parse(path.read_text()))}
    numbers = constants(plain)
    called = names_in_bundle(fold(plain), KERNEL, (AGENT,))
    renamed = {new for names in called.values() for one, new in names.items() if one in used}
    made = shrink(plain, used | renamed)
    there = set(names_in(ast.parse(made[f"{KERNEL}/__init__.py"])))
    for path in plain:
        if path in made or path.endswith("__init__.py"):
            made.setdefault(path, b"")
            continue
        module = path.removesuffix(".py").replace("/", ".")
        lines = [f"{one} = {value}" for one, value in numbers[module].items()]
        lines += [
            f"from {KERNEL} import {new} as {one}"
            for one, new in called.get(module, {}).items()
            if one in used and new in there and one not in numbers[module]
        ]
        made[path] = "\n".join([*sorted(lines), ""]).encode()
    return mpy.compile_files(made, lines=False)
