"""Settings of an application: declared with a type in fleet.toml, given per cluster or board."""

from typing import Literal

import msgspec

from cma_toolkit.host_tools.errors import CmaError, usage

Value = bool | int | float | str
Kind = Literal["bool", "int", "float", "text"]

# 31 bits: what fits a board's small integers is exact on every runtime.
INT_MAX = 2**30 - 1
TEXT_BYTES_MAX = 128
TRUE_WORDS = {"true", "yes", "on", "1"}
FALSE_WORDS = {"false", "no", "off", "0"}


class Setting(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One setting: its type, its default (none: every board needs a value) and its bounds."""

    type: Kind
    default: Value | None = None
    min: int | float | None = None
    max: int | float | None = None
    help: str = ""


def parse(text: str, setting: Setting) -> Value:
    """Read a cell of the inventory as a setting's type.

    Raises: ValueError with what was expected.
    """
    return check(_from_text(text, setting.type), setting)


def check(value: Value, setting: Setting) -> Value:
    """Return the value in the setting's type, or refuse it.

    Raises: ValueError with what was expected.
    """
    value = _typed(value, setting.type)
    if isinstance(value, str):
        if len(value.encode()) > TEXT_BYTES_MAX:
            raise ValueError(f"expected at most {TEXT_BYTES_MAX} bytes of text")
        return value
    if isinstance(value, int) and abs(value) > INT_MAX:
        raise ValueError(f"expected a whole number from -{INT_MAX} to {INT_MAX}")
    if setting.min is not None and value < setting.min:
        raise ValueError(f"expected at least {setting.min}")
    if setting.max is not None and value > setting.max:
        raise ValueError(f"expected at most {setting.max}")
    return value


def check_declarations(settings: dict[str, Setting], file: str) -> None:
    """Refuse a default that its own setting would refuse.

    Raises: CmaError (the file's author).
    """
    for key, setting in settings.items():
        if setting.default is None:
            continue
        try:
            check(setting.default, setting)
        except ValueError as error:
            raise wrong_value(file, f"settings.{key}.default", error) from None


def wrong_value(file: str, place: str, error: ValueError) -> CmaError:
    """Make the error for a value at a place in a file."""
    return usage(f"{file}: {place}: {error}. Mend that value.")


def _from_text(text: str, kind: Kind) -> Value:
    word = text.strip().lower()
    if kind == "bool":
        if word in TRUE_WORDS | FALSE_WORDS:
            return word in TRUE_WORDS
        raise ValueError("expected true or false")
    try:
        if kind == "int":
            return int(word)
        if kind == "float":
            return float(word)
    except ValueError:
        raise ValueError(f"expected {_NAMES[kind]}") from None
    return text


def _typed(value: Value, kind: Kind) -> Value:
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not _TYPES[kind]:
        raise ValueError(f"expected {_NAMES[kind]}")
    if isinstance(value, float) and not abs(value) < float("inf"):
        raise ValueError("expected a number that is finite")
    return value


_TYPES = {"bool": bool, "int": int, "float": float, "text": str}
_NAMES = {"bool": "true or false", "int": "a whole number", "float": "a number", "text": "text"}
