"""Go through the nodes of a tree: much of the time in which an image is made."""

import ast

# Contexts are nodes, but nobody asks for them.
_NO_NODES = {"ctx", "id", "attr", "kind", "type_comment"}
_FIELDS = {
    kind: tuple(name for name in kind._fields if name not in _NO_NODES)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}


def walk(tree: ast.AST) -> list[ast.AST]:
    """Return a node and all below it in the order of `ast.walk`, but for contexts."""
    nodes = [tree]
    for node in nodes:  # which grows meanwhile
        nodes += children(node)
    return nodes


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes right below one in the order of the text, but for contexts."""
    found: list[ast.AST] = []
    held = node.__dict__
    for name in _FIELDS[node.__class__]:
        value = held.get(name)
        if value.__class__ is list:
            found += [each for each in value if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found
