"""Leave out the functions, classes and methods that nothing in an image refers to.

The kernel has some for hosts and tests alone, such as the reader of every CBOR there is.

Input    the sources of an image
Bounds   whatever a name may mean somewhere counts as a reference: too little is left out
"""

import ast
import functools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from .modules import read_modules
from .names import names_in, spoken_names
from .walk import walk

_NAMED_BY_ITSELF_MAX = 3


@functools.lru_cache(maxsize=512)
def _names_of(text: str) -> Counter[str]:
    tree = ast.parse(text)
    return Counter([*names_in(tree), *spoken_names(tree)])


def drop_unused(
    sources: Mapping[str, bytes], keep: Collection[str], *, constants: bool = False
) -> dict[str, bytes]:
    """Return the sources without the definitions that nobody needs, but for those kept.

    With `constants` texts, bytes and tuples of a module go, too: not where applications may look.
    """
    left = dict(sources)
    while True:
        modules = read_modules(left)
        used: Counter[str] = Counter()
        for module in modules.values():
            used.update(_names_of(module.text))
        found = False
        for module in modules.values():
            named = [(node.name, node) for node in _definitions(module.tree)]
            for name, node in named + (list(_constants(module.tree)) if constants else []):
                if name in keep or used[name] > _NAMED_BY_ITSELF_MAX:
                    continue
                # It may name itself: that needs it as little as nobody does.
                if used[name] <= Counter(names_in(node))[name]:
                    module.put(node, "pass")
                    found = True
            left[module.path] = module.text_now()
        if not found:
            return left


def _definitions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Yield what may be left out; a method within a class that is left out goes with it."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                # What is decorated or has a name of Python's own is called in other ways.
                if (
                    isinstance(inner, ast.FunctionDef)
                    and not inner.decorator_list
                    and not inner.name.startswith("__")
                ):
                    yield inner


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the names that are bound once, to what needs nothing to be made."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            is_plain = all(
                isinstance(part, ast.Constant | ast.Tuple | ast.Load) for part in walk(node.value)
            )
            if is_plain and isinstance(target, ast.Name):
                yield target.id, node
