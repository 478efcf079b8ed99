"""Give names short ones so that few serve all: the same for two only where they never meet.

Input    the names that `roles.py` found, each with the places in which it must differ from others
Bounds   the same names give the same result
"""

import ast
import itertools
import string
from collections.abc import Iterator, Mapping

from .roles import Attribute, File, Scope

Places = dict[str, set[tuple[str, str]]]  # name → classes, each by file and name


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


def colour(
    where: Mapping[str, set[tuple[str, str]]], busy: Mapping[str, set[str]]
) -> dict[str, str]:
    """Return a short name for each name, the same only for names that share no place.

    `busy` says what a name may not become.
    """
    short: dict[str, str] = {}
    used: dict[tuple[str, str], set[str]] = {}
    for name in sorted(where, key=lambda name: (-len(where[name]), name)):
        near = (used.setdefault(place, set()) for place in where[name])
        short[name] = next(candidates(busy[name].union(*near)))
        for place in where[name]:
            used[place].add(short[name])
    return short


def candidates(busy: set[str]) -> Iterator[str]:
    """Yield short names that are not busy."""
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            name = "_" + "".join(letters)
            if name not in busy:
                yield name
