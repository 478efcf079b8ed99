"""Refuse what a person mistyped in a file of a project, with the exit code for usage."""

from typing import Any, TypeVar

import msgspec

from cma_toolkit.boards import strict
from cma_toolkit.host_tools.errors import usage

Record = TypeVar("Record", bound=msgspec.Struct)
nearest = strict.nearest


def decode_toml(text: str, kind: type[Record], file: str) -> Record:
    """Parse TOML and check it against a record type.

    Raises: CmaError (the file's author) naming the file, the key and what is allowed.
    """
    return strict.decode(text, kind, file, usage)


def refuse_unknown_keys(data: dict[str, Any], kind: type[msgspec.Struct], file: str) -> None:
    """Stop at the first key that the record type does not have.

    Raises: CmaError (the file's author) naming the file, the key and the nearest allowed one.
    """
    strict.refuse_unknown_keys(data, kind, file, usage)
