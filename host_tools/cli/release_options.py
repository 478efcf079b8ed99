"""What several commands of `cma release` take alike."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from cma_toolkit.host_tools.errors import usage
from cma_toolkit.host_tools.release.procedures import TIMESTAMP_DAYS

KEYS_MAX = 3  # of a role: while one is replaced, four may sign

Command = TypeVar("Command", bound=Callable[..., object])

output = click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For a person, or one JSON object.",
)
file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
days = click.option(
    "--days",
    type=click.IntRange(1, 3_650),
    default=TIMESTAMP_DAYS,
    show_default=True,
    help="How long boards believe that it is current.",
)


def ed25519(text: str) -> Callable[[Command], Command]:
    """Return the option that names a key, with a text that says for what."""
    return click.option(
        "--ed25519", type=click.Path(path_type=Path, dir_okay=False), metavar="KEY", help=text
    )


def counts(role: str, text: str) -> tuple[int, int]:
    """Return the threshold and the number of keys that a person gave for a role.

    Raises: CmaError 2 for what is no such pair.
    """
    least, _, count = text.partition("/")
    if least.isdecimal() and count.isdecimal() and 1 <= int(least) <= int(count) <= KEYS_MAX:
        return int(least), int(count)
    raise usage(
        f"--{role} {text}: write how many of how many keys must sign, such as 2/3, at most "
        f"{KEYS_MAX} of them."
    )
