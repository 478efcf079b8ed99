"""Give names short ones so that few serve all: the same for two only where they never meet.

Input    the names that `roles.py` found, each with the places in which it must differ from others
Bounds   the same names give the same result
"""

import ast
import itertools
import string
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from .roles import Attribute, File, Scope

PAID_MIN = 26
Place = tuple[str, str]  # a class, by file and name
Places = dict[str, set[Place]]


def module_before(file: File, attribute: Attribute) -> str:
    """Return the module of ours whose name stands before a dot."""
    home = attribute.scope.home(attribute.receiver) if attribute.receiver else None
    return file.source_of(attribute.receiver, home) if home else ""


def places(files: Mapping[str, File]) -> Places:
    """Return, for each attribute that we define, the classes that have it."""
    own: dict[tuple[str, str], set[str]] = {
        (file.name, name): set(scope.bound)
        for file in files.values()
        for name, (scope, _) in file.classes.items()
    }
    outside: set[str] = set()
    for file in files.values():
        for one in file.attributes:
            if one.is_stored and not module_before(file, one):
                owner = _owner_of_receiver(one)
                (own[file.name, owner.name] if owner else outside).add(one.name)
    found: Places = {}
    for place in own:
        for source in _line_of(files, place):
            for name in own[source]:
                found.setdefault(name, set()).add(place)
    for name in outside & set(found):
        found[name] = set(own)
    return found


def words_of_classes(files: Mapping[str, File]) -> dict[Place | str, set[str]]:
    """Return, by class, the names that it has or reads: no other of its names becomes one."""
    found: dict[Place | str, set[str]] = {}
    for name, classes in places(files).items():
        for place in classes:
            found.setdefault(place, set()).add(name)
    for file in files.values():
        for use in file.uses:
            if use.scope.kind == "class":
                found.setdefault((file.name, use.scope.name), set()).add(use.name)
    return found


def foreign_bases(files: Mapping[str, File]) -> Iterator[Place]:
    """Yield the classes that derive from one of somebody else's, but for exceptions."""
    for file in files.values():
        for name, (_, bases) in file.classes.items():
            ours = len(list(_line_of(files, (file.name, name)))) > 1
            if bases and not ours and not ast.unparse(bases[0]).endswith(("Error", "Exception")):
                yield file.name, name


def _owner_of_receiver(one: Attribute) -> Scope | None:
    """Return the class whose method has what stands before the dot as its first parameter."""
    home = one.scope.home(one.receiver) if one.receiver else None
    if home is None or home.owner is None or home.is_static:
        return None
    is_first = home.arguments[:1] == (one.receiver,) and home.bound[one.receiver] == 1
    return home.owner if is_first else None


def _line_of(files: Mapping[str, File], place: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Yield a class and those of ours that it derives from."""
    yield place
    file = files[place[0]]
    for base in file.classes[place[1]][1]:
        if isinstance(base, ast.Name):
            source, name = file.name, base.id
        elif isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name):
            source, name = file.source_of(base.value.id, file.top), base.attr
        else:
            file.refuse(base.lineno, "a class derives from something without a name.")
        while source in files and name not in files[source].classes:
            found = [one for one in files[source].imports if one.local == name and one.source]
            source, name = (found[0].source, found[0].node.name) if found else ("", "")
        if source in files:
            yield from _line_of(files, (source, name))


@dataclass
class Palette:
    """What names may become: `_a`, `_b`, …, and for some of them words that cost nothing."""

    taken: set[str]  # none becomes one of these, unless it is one of `words`
    words: frozenset[str] = frozenset()
    quiet: frozenset[str] = frozenset()  # names that no traceback shows: they may become words
    paid: int = PAID_MIN  # of `_a`, `_b`, … so many are there anyway

    def colour(self, where: Places, busy: Mapping[Place | str, set[str]]) -> dict[str, str]:
        """Return a short name for each name, the same only for names that share no place.

        Shape: `busy` says by place, or by name, what is not to be used there.
        """
        short: dict[str, str] = {}
        used: dict[Place, set[str]] = {}
        # Tracebacks name functions, so a word would lie there; other names make do with the rest.
        for name in sorted(where, key=lambda name: (name in self.quiet, -len(where[name]), name)):
            near = set(busy.get(name, ()))
            near = near.union(
                *(busy.get(place, set()) | used.get(place, set()) for place in where[name])
            )
            short[name] = next(one for one in self._options(name) if one not in near)
            for place in where[name]:
                used.setdefault(place, set()).add(short[name])
            if name not in self.quiet:
                self.paid = max(self.paid, len(set(short.values())))
        return short

    def _options(self, name: str) -> Iterator[str]:
        if name not in self.quiet:
            return candidates(self.taken)
        first = itertools.islice(candidates(self.taken), self.paid)
        more = itertools.islice(candidates(self.taken), self.paid, None)
        return itertools.chain(first, sorted(self.words), more)


def candidates(busy: Collection[str]) -> Iterator[str]:
    """Yield short names that are not busy."""
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            name = "_" + "".join(letters)
            if name not in busy:
                yield name
