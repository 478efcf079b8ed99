"""Turn parsed TOML into typed records, answering a typing mistake with the nearest right word.

msgspec checks the types. Unknown keys are looked for before, because the answer that a person
needs is the file, the key and the nearest key that exists.
"""

import difflib
import re
import tomllib
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

Record = TypeVar("Record", bound=msgspec.Struct)
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text in quotes",
    "bool": "true or false",
    "array": "a list in brackets",
    "object": "a table",
}
_FOUND = {**_WORDS, "float": "one with a point"}
_BOUNDS = {">=": "of at least", "<=": "of at most", ">": "above", "<": "below"}
Refuse = Callable[[str], Exception]  # makes the exception of whoever reads the file


def decode(text: str, kind: type[Record], file: str, refuse: Refuse) -> Record:
    """Parse TOML and check it against a record type.

    Raises: what `refuse` makes (the file's author) naming file, key and what is allowed.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise refuse(f"{file}: not valid TOML: {error}. Mend that line.") from error
    refuse_unknown_keys(data, kind, file, refuse)
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise refuse(f"{file}: {_readable(str(error))}") from error


def refuse_unknown_keys(value: Any, kind: Any, file: str, refuse: Refuse, where: str = "") -> None:
    """Stop at the first key that the record type does not have.

    Raises: what `refuse` makes (the file's author) naming file, key and the nearest allowed one.
    """

    def walk(value: Any, kind: Any, where: str) -> None:
        refuse_unknown_keys(value, kind, file, refuse, where)

    def walk_table(known: dict[str, Any]) -> None:
        place = f" in [{where}]" if where else ""
        for key, item in value.items():
            if key not in known:
                raise refuse(f'{file}: unknown key "{key}"{place}{nearest(key, known)}')
            walk(item, known[key], _below(where, key))

    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        walk(value, arguments[0], where)
    elif _is_record(kind) and isinstance(value, dict):
        walk_table(_fields(kind))
    elif origin is dict and isinstance(value, dict):
        if typing.get_origin(arguments[0]) is typing.Literal:
            walk_table(dict.fromkeys(typing.get_args(arguments[0]), arguments[1]))
            return
        for key, item in value.items():
            walk(item, arguments[1], _below(where, key))
    elif origin in (list, tuple) and isinstance(value, list):
        for item in value:
            walk(item, arguments[0], where)
    elif origin in (types.UnionType, typing.Union):
        for choice in _choices(value, arguments, file, refuse, where):
            walk(value, choice, where)


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Return the end of a sentence that offers the nearest allowed word, or all of them."""
    known = sorted(allowed)
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; allowed: {', '.join(known) or 'none'}."


def _choices(
    value: Any, kinds: tuple[Any, ...], file: str, refuse: Refuse, where: str
) -> list[Any]:
    """Return what a table may be: of records told apart by a word in them, the one it names."""
    records = [kind for kind in kinds if _is_record(kind)]
    tagged = {kind.__struct_config__.tag: kind for kind in records if kind.__struct_config__.tag}
    if not tagged or not isinstance(value, dict):
        return list(kinds)
    field = records[0].__struct_config__.tag_field
    word = value.get(field)
    if isinstance(word, str) and word not in tagged:
        raise refuse(f'{file}: {_below(where, field)}: unknown "{word}"{nearest(word, tagged)}')
    return [tagged[word]] if isinstance(word, str) else []


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _fields(kind: type[msgspec.Struct]) -> dict[str, Any]:
    known = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    tag_field = kind.__struct_config__.tag_field
    return {**known, tag_field: str} if tag_field else known


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _readable(message: str) -> str:
    """Say what msgspec says in the words of a TOML author, the path in front."""
    text, _, path = message.partition(" - at ")
    path = re.sub(r"^`\$\.?|`$", "", path)
    table = f"[{path}]" if path else "it"
    missing = re.match(r"Object missing required field `(.*)`", text)
    if missing:
        return f"{table} has no {missing[1]}; write one."
    place = f"{path}: " if path else ""
    other = re.match(r"Expected `([\w |]+)`, got `(\w+)`$", text)
    if other:
        allowed = " or ".join(_WORDS.get(word, word) for word in other[1].split(" | "))
        return f"{place}write {allowed}, not {_FOUND.get(other[2], other[2])}."
    bound = re.match(r"Expected `(int|float)` ([<>]=?) (\S+)$", text)
    if bound:
        return (
            f"{place}write {_WORDS[bound[1]]} {_BOUNDS[bound[2]]} {bound[3].removesuffix('.0')}."
        )
    text = text.replace("`", "")
    return f"{place}{text[:1].lower()}{text[1:]}. Mend that value."
