"""Give the names of our firmware short ones that many of them share.

On a board each different name costs heap, 12 bytes and more, however often it is used. So a name
is told apart from others only where the two could be taken for each other, and everywhere the same
few short ones serve. Lines stay where they are. Where two names must differ, and what stays:

globals     differ within their file. What stays: what others use, exceptions, dunder names, and
            what is imported from modules that are not ours.
attributes  of any object have one new name each in all files, as nobody knows what stands before
            a dot. Two differ if a class has both, its own or inherited: in its body, or by an
            assignment to an attribute of a method's first parameter. What is assigned to on
            anything else differs from all attributes of all classes. What stays: what others use,
            what MicroPython knows or a module of its is asked for, what is a text of its own
            somewhere (for getattr), and what is asked for where AttributeError is caught.
parameters  and names of functions within functions: in one outermost function with all that is
            within it, each name has one new name and no two have the same, be they variables,
            globals or builtins; so scopes stay what they were. What stays: keywords of any call,
            parameters that others may name, other variables (they cost nothing), and what the
            interpreter has in ROM anyway.
class body  A global that is read in the body of a class differs from all names bound in it.

What is neither a function nor a parameter may also become a word that the interpreter has in ROM:
no traceback shows it. It is one that the file (for globals) or the class (for attributes) does not
use otherwise, and that nothing in the interpreter asks an object for.

Input    all sources that use each other's names, but for those in `keep`
Bounds   what `roles.py` refuses
"""

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Mapping

from .colours import (
    Palette,
    Place,
    Places,
    candidates,
    foreign_bases,
    module_before,
    places,
    words_of_classes,
)
from .known_names import ASKED_NAMES, KNOWN_NAMES, ROM_NAMES
from .roles import Attribute, File, Scope, Use, read_files
from .walk import children, walk

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def shorten(sources: Mapping[str, bytes], keep: Iterable[str] = ()) -> dict[str, bytes]:
    """Return the sources with their own names shortened, but for those in `keep`.

    Raises: ImageError (our firmware's author) for a name that cannot be told apart.
    """
    files = read_files(sources)
    shortener = _Shortener(files, frozenset(keep))
    return {**sources, **{file.module.path: shortener.text_of(file) for file in files.values()}}


class _Shortener:
    def __init__(self, files: Mapping[str, File], keep: frozenset[str]) -> None:
        self._files = files
        self._keep = keep
        self._taken = {*KNOWN_NAMES, *ROM_NAMES, *keep}
        self._taken |= {use.name for file in files.values() for use in file.uses}
        self._taken |= {one.name for file in files.values() for one in file.attributes}
        self._texts = {text for file in files.values() for text in file.texts}
        words = ROM_NAMES - ASKED_NAMES - keep - self._texts
        self._palette = Palette(self._taken, words)
        self._keywords = {word for file in files.values() for word in file.keywords}
        if any(file.spreads for file in files.values()):
            self._keywords |= self._texts
        self._attributes = self._shorten_attributes()
        kinds = {file.name: _kinds(file) for file in files.values()}
        fixed = {file.name: self._fixed(file) for file in files.values()}
        self._globals = {
            file.name: self._shorten_globals(file, kinds[file.name], fixed[file.name])
            for file in files.values()
        }
        self._variables = {
            unit: self._shorten_variables(file, unit, found, fixed[file.name].get(unit, set()))
            for file in files.values()
            for unit, found in kinds[file.name].items()
        }

    def text_of(self, file: File) -> bytes:
        """Return a source with its new names."""
        for use in file.uses:
            self._put(file, use, self._new_name(file, use.name, use.scope))
        for attribute in file.attributes:
            source = module_before(file, attribute)
            names = self._globals[source] if source else self._attributes
            self._put(file, attribute, names.get(attribute.name, attribute.name))
        for one in file.imports:
            there = one.node.name
            if one.source and not one.is_module:
                there = self._globals[one.source].get(there, there)
            here = self._new_name(file, one.local, one.scope)
            is_called = here != there and (one.node.asname or "." not in there)
            node, text = one.node, f"{there} as {here}" if is_called else there
            assert node.end_col_offset is not None
            file.module.put_at(
                node.lineno, node.col_offset, node.end_col_offset - node.col_offset, text
            )
        return file.module.text_now()

    def _put(self, file: File, one: Use | Attribute, new: str) -> None:
        if one.line and new != one.name:
            file.module.put_at(one.line, one.column, len(one.name.encode()), new)

    def _new_name(self, file: File, name: str, scope: Scope) -> str:
        unit, home = scope.unit, scope.home(name)
        if unit:
            return self._variables[unit].get(name, name)
        names = self._attributes if home and home.kind == "class" else self._globals[file.name]
        return names.get(name, name)

    # --- attributes ---

    def _shorten_attributes(self) -> dict[str, str]:
        stays = {*KNOWN_NAMES, *ROM_NAMES, *self._keep, *self._texts}
        for file in self._files.values():
            stays |= file.fixed_attributes | _ambiguous(file) | _of_others(file)
            self._palette.words -= file.fixed_attributes
        found = places(self._files)
        found = {name: where for name, where in found.items() if not _is_special(name, stays)}
        methods = {
            one.name for file in self._files.values() for one in file.functions if one.owner
        }
        busy = words_of_classes(self._files)
        for place in foreign_bases(self._files):
            busy.setdefault(place, set()).update(ROM_NAMES)
        self._palette.quiet = frozenset(set(found) - methods)
        return self._palette.colour(found, busy)

    # --- globals ---

    def _shorten_globals(
        self, file: File, kinds: Mapping[Scope, Mapping[str, set[str]]], fixed: "_Fixed"
    ) -> dict[str, str]:
        stays = {*ROM_NAMES, *self._keep, *fixed.get(None, ()), *_ambiguous(file)}
        stays |= {name for name in file.classes if name.endswith("Error")}
        stays |= {
            one.local
            for one in file.imports
            if one.scope is file.top
            and not (one.node.asname or (one.source and not one.is_module))
        }
        for unit, found in kinds.items():
            # In this function it is a variable, too, and one that has to stay.
            stays |= {name for name in fixed.get(unit, ()) if "global" in found.get(name, ())}
        busy: dict[Place | str, set[str]] = {}
        for use in file.uses:
            if use.scope.kind == "class":
                there = {self._attributes.get(one, one) for one in use.scope.bound}
                busy.setdefault(use.name, set()).update(there)
        names = set(file.top.bound) if not file.is_open else set()
        wanted: Places = {
            name: {(file.name, "")} for name in names if not _is_special(name, stays)
        }
        palette = Palette(
            self._palette.taken | {name.rpartition(".")[2] for name in self._below(file)},
            self._palette.words - set(dir(builtins)) - {use.name for use in file.uses},
            frozenset(names - {one.name for one in file.functions if one.parent is file.top}),
            self._palette.paid,
        )
        return palette.colour(wanted, busy)

    def _below(self, file: File) -> Iterator[str]:
        """Yield the modules that are attributes of a package."""
        for name in self._files:
            if name.rpartition(".")[0] == file.name:
                yield name

    # --- parameters ---

    def _fixed(self, file: File) -> "_Fixed":
        """Return the names that stay within outermost functions, and of the globals (None)."""
        fixed: _Fixed = {None: set()}
        for use in file.uses:
            if use.is_fixed or file.is_open:
                home, unit = use.scope.home(use.name), use.scope.unit
                fixed.setdefault(None if home is file.top else unit, set()).add(use.name)
        for scope in file.functions:
            words = self._keywords | (self._keep if self._is_public(scope) else set())
            fixed.setdefault(scope.unit, set()).update(words.intersection(scope.arguments))
        return fixed

    def _is_public(self, scope: Scope) -> bool:
        """Tell whether others may call a function, and then perhaps with keywords."""
        owner = scope.owner
        if owner and scope.name.startswith("__"):
            return owner.name in self._keep
        outside = owner or (scope.parent and scope.parent.kind == "module")
        return bool(outside) and scope.name in self._keep

    def _shorten_variables(
        self, file: File, unit: Scope, kinds: Mapping[str, set[str]], fixed: set[str]
    ) -> dict[str, str]:
        """Return the new names in an outermost function; no two names get the same."""
        short = {
            name: self._globals[file.name].get(name, name)
            for name, found in kinds.items()
            if "global" in found
        }
        stays = {*ROM_NAMES, *fixed}
        stays |= {name for name, found in kinds.items() if found != {"variable"}}
        paid = unit.inner_functions | {
            name for scope in file.functions if scope.unit is unit for name in scope.arguments
        }
        free = candidates(self._taken | set(short.values()) | set(kinds))
        for name in sorted(name for name in paid if not _is_special(name, stays)):
            short[name] = next(free)
        return short


_Fixed = dict[Scope | None, set[str]]


def _is_special(name: str, stays: set[str]) -> bool:
    return name in stays or name.startswith("__") or name == "_"


def _kinds(file: File) -> dict[Scope, dict[str, set[str]]]:
    """Return, by outermost function, what each name in it is: one of several, or more of them."""
    found: dict[Scope, dict[str, set[str]]] = {
        scope.unit: {} for scope in file.functions if scope.unit
    }
    for use in file.uses:
        if use.scope.unit:
            home = use.scope.home(use.name)
            kind = "global" if home is file.top else "variable" if home else "builtin"
            found[use.scope.unit].setdefault(use.name, set()).add(kind)
    return found


def _ambiguous(file: File) -> set[str]:
    """Return the names that are read in a class body before or after it binds them itself."""
    return {
        use.name
        for use in file.uses
        if use.scope.kind == "class"
        and not use.is_bound
        and use.name in use.scope.bound
        and use.name in file.top.bound
    }


def _of_others(file: File) -> set[str]:
    """Return what is asked of modules that are not ours, and of what comes from them."""
    theirs = {(one.local, one.scope) for one in file.imports if not one.source}
    return {
        one.name
        for one in file.attributes
        if one.receiver and (one.receiver, one.scope.home(one.receiver)) in theirs
    }


def names_in(tree: ast.AST) -> Iterator[str]:
    """Yield every identifier of a file."""
    for node in walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")
            if node.asname:
                yield node.asname
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from node.module.split(".")
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def defined_names(tree: ast.AST, *, within: bool = False) -> Iterator[str]:
    """Yield the names that a file makes and that cost something; what it only uses is another's.

    Local variables cost nothing: `within` says that this is the inside of a function.
    """
    for node in children(tree):
        inside = within
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside = True
        elif isinstance(node, ast.ClassDef):
            inside = False
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and not within:
            yield node.id
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname
        yield from defined_names(node, within=inside)


def spoken_names(tree: ast.AST) -> Iterator[str]:
    """Yield the names that stand in texts: for getattr, or in an f-string.

    Annotations and docstrings are texts too, but nobody reads them on a board.
    """
    unread = {id(node) for owner in walk(tree) for note in _unread(owner) for node in walk(note)}
    for node in walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in unread:
                yield from _IDENTIFIER.findall(node.value)
        elif isinstance(node, ast.JoinedStr):
            yield from names_in(node)


def _unread(owner: ast.AST) -> Iterator[ast.AST]:
    if isinstance(owner, ast.Expr) and isinstance(owner.value, ast.Constant):
        yield owner.value
    for note in (getattr(owner, "annotation", None), getattr(owner, "returns", None)):
        if isinstance(note, ast.AST):
            yield note
