"""What click refuses of a command line, as one sentence that says what to do."""

import re
from difflib import get_close_matches

import click

_BETWEEN = re.compile(r"^(\S+) is not in the range (\S+?)<=x<=(\S+)\.$")
_BEYOND = re.compile(r"^(\S+) is not in the range x([<>])=(\S+)\.$")
_KIND = re.compile(r"^'(.*)' is not a valid (integer|float)(?: range)?\.$")
_NEAR = re.compile(r"\.? \(?Did you mean (?:one of: )?(.*?)\?\)?$")
_ENDS = {">": "more", "<": "less"}
_KINDS = {"integer": "a whole number", "float": "a number"}


def sentence(error: click.ClickException) -> str:
    """Return the sentence: the right word if one is near, else whose help has more."""
    said = _said(error)
    near = _NEAR.search(said)
    if near:
        said = said[: near.start()]
        given, offered = said.rpartition(" ")[2], near[1].split(", ")
        return f"{said}; did you mean {get_close_matches(given, offered, 1, 0.0)[0]}?"
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    said = said.removesuffix(".")
    return f"{said}; see {ctx.command_path} --help." if ctx else f"{said}."


def _said(error: click.ClickException) -> str:
    is_missing = isinstance(error, click.MissingParameter)
    if isinstance(error, click.BadParameter) and error.param and not is_missing:
        return f"{_name(error.param, error.ctx)}: {_value(error.message)}"
    message = error.format_message()
    return message[:1].lower() + message[1:]


def _name(param: click.Parameter, ctx: click.Context | None) -> str:
    if isinstance(param, click.Argument):
        return param.human_readable_name
    return param.get_error_hint(ctx).replace("'", "")


def _value(message: str) -> str:
    """Return what may be written in the place of what was."""
    between = _BETWEEN.match(message)
    if between:
        return f"write a number from {between[2]} to {between[3]}, not {between[1]}"
    beyond = _BEYOND.match(message)
    if beyond:
        return f"write a number of {beyond[3]} or {_ENDS[beyond[2]]}, not {beyond[1]}"
    kind = _KIND.match(message)
    if kind:
        return f"write {_KINDS[kind[2]]}, not {kind[1]}"
    return message
