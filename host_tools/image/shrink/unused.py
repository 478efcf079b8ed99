"""Leave out the functions and classes that nothing in an image refers to.

The kernel has some for hosts and tests alone, such as the reader of every CBOR there is.

Input    the sources of an image
Bounds   whatever a name may mean somewhere counts as a reference: too little is left out
"""

import ast
from collections import Counter
from collections.abc import Collection, Mapping

from .fold import read_modules
from .names import names_in, spoken_names


def drop_unused(sources: Mapping[str, bytes], keep: Collection[str]) -> dict[str, bytes]:
    """Return the sources without top-level definitions that nobody needs, but for those kept."""
    left = dict(sources)
    while True:
        modules = read_modules(left)
        used: Counter[str] = Counter()
        for module in modules.values():
            used.update(names_in(module.tree))
            used.update(spoken_names(module.tree))
        found = False
        for module in modules.values():
            for node in module.tree.body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    # It may name itself: that needs it as little as nobody does.
                    own = Counter(names_in(node))[node.name]
                    if node.name not in keep and used[node.name] <= own:
                        module.put(node, "pass")
                        found = True
            left[module.path] = module.text_now()
        if not found:
            return left
