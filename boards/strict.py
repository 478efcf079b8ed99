"""Turn parsed TOML into a board record, answering a typing mistake with the nearest right word."""

import difflib
import re
import tomllib
import typing
from collections.abc import Iterable
from typing import Any

import msgspec

from .errors import BoardFileError
from .records import BoardFile


def decode(text: str, file: str) -> BoardFile:
    """Parse and check a board file.

    Raises: BoardFileError (the file's author) naming file, key and what is allowed.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BoardFileError(f"{file}: not valid TOML: {error}. Mend that line.") from error
    _refuse_unknown_keys(data, BoardFile, file, "")
    try:
        return msgspec.convert(data, BoardFile)
    except msgspec.ValidationError as error:
        raise BoardFileError(f"{file}: {_readable(str(error))}. Mend that value.") from error


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Return the end of a sentence that offers the nearest allowed word, or all of them."""
    known = sorted(allowed)
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; allowed: {', '.join(known)}."


def _refuse_unknown_keys(value: Any, kind: Any, file: str, where: str) -> None:
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is typing.Annotated:
        _refuse_unknown_keys(value, arguments[0], file, where)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
        _walk_table(value, fields, file, where)
    elif typing.get_origin(kind) is dict and isinstance(value, dict):
        if typing.get_origin(arguments[0]) is typing.Literal:
            words = typing.get_args(arguments[0])
            _walk_table(value, dict.fromkeys(words, arguments[1]), file, where)
            return
        for key, item in value.items():
            _refuse_unknown_keys(item, arguments[1], file, _below(where, key))
    elif typing.get_origin(kind) is tuple and isinstance(value, list):
        for item in value:
            _refuse_unknown_keys(item, arguments[0], file, where)


def _walk_table(table: dict[str, Any], known: dict[str, Any], file: str, where: str) -> None:
    place = f" in [{where}]" if where else ""
    for key, item in table.items():
        if key not in known:
            raise BoardFileError(f'{file}: unknown key "{key}"{place}{nearest(key, known)}')
        _refuse_unknown_keys(item, known[key], file, _below(where, key))


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _readable(message: str) -> str:
    """Put the path that msgspec appends in front, in the words of a TOML author."""
    text, _, path = message.partition(" - at ")
    path = re.sub(r"^`\$\.?|`$", "", path)
    text = text.replace("`", "")
    text = text[:1].lower() + text[1:]
    return f"{path}: {text}" if path else text
