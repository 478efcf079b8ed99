"""Turn parsed TOML into typed records, refusing what a person mistyped.

msgspec checks the types. Unknown keys are looked for before, because the answer a person needs is
the file, the key and the nearest key that exists.
"""

import difflib
import re
import tomllib
import types
import typing
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from cma_toolkit.host_tools.errors import usage

Record = TypeVar("Record", bound=msgspec.Struct)


def decode_toml(text: str, kind: type[Record], file: str) -> Record:
    """Parse TOML and check it against a record type.

    Raises: CmaError (the file's author) naming the file, the key and what is allowed.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise usage(f"{file}: not valid TOML: {error}. Mend that line.") from None
    refuse_unknown_keys(data, kind, file)
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise usage(f"{file}: {_readable(str(error))}. Mend that value.") from None


def refuse_unknown_keys(data: dict[str, Any], kind: type[msgspec.Struct], file: str) -> None:
    """Stop at the first key that the record type does not have.

    Raises: CmaError (the file's author) naming the file, the key and the nearest allowed one.
    """
    _walk(data, kind, file, "")


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Return `; did you mean "x"?`, or the list of what is allowed when nothing is near."""
    known = sorted(allowed)
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; allowed: {', '.join(known) or 'none'}."


def _walk(value: Any, kind: Any, file: str, where: str) -> None:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if isinstance(value, dict):
            _walk_struct(value, kind, file, where)
        return
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is dict and isinstance(value, dict):
        for key, item in value.items():
            _walk(item, arguments[1], file, f"{where}.{key}" if where else key)
    elif origin in (list, tuple) and isinstance(value, list):
        for item in value:
            _walk(item, arguments[0], file, where)
    elif origin in (types.UnionType, typing.Union):
        for choice in arguments:
            _walk(value, choice, file, where)


def _walk_struct(value: dict[str, Any], kind: type[msgspec.Struct], file: str, where: str) -> None:
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    for key, item in value.items():
        if key not in fields:
            place = f" in [{where}]" if where else ""
            raise usage(f'{file}: unknown key "{key}"{place}{nearest(key, fields)}')
        _walk(item, fields[key], file, f"{where}.{key}" if where else key)


def _readable(message: str) -> str:
    """Put the path that msgspec appends in front, in words a TOML author knows."""
    text, _, path = message.partition(" - at ")
    path = re.sub(r"^`\$\.?|`$", "", path)
    text = text.replace("`", "")
    text = text[:1].lower() + text[1:]
    return f"{path}: {text}" if path else text
