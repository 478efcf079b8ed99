"""Make a user's project from the files in `template/`: all of it, or nothing."""

import re
import secrets
import shutil
import tempfile
from pathlib import Path

import tomlkit

from cma_toolkit.host_tools.errors import CmaError, refused, usage
from cma_toolkit.host_tools.fleet.fleet_file import FLEET_FILE, NAME_KINDS, NAME_PATTERN
from cma_toolkit.host_tools.fleet.inventory import INVENTORY_FILE
from cma_toolkit.host_tools.fleet.secrets_file import SECRETS_FILE

TEMPLATE = Path(__file__).parent / "template"
PLACEHOLDER = "NAME"
NAME_BYTES_MAX = 28  # its boards are called NAME-01, in 31 bytes
NETWORK_MAX = 65535
# Without its dot in our tree, where git would obey it.
RENAMED = {"gitignore": ".gitignore"}
OWNER_ONLY = 0o600


def create_project(folder: Path) -> None:
    """Write a new project into `folder`, which is absent or empty.

    Raises: CmaError 2 for a name that no fleet can have or a folder that holds something, 4 where
    nothing can be written.
    """
    name = folder.name
    if not re.match(NAME_PATTERN, name) or len(name) > NAME_BYTES_MAX:
        raise usage(
            f'"{name}" is no name for a fleet. Write at most {NAME_BYTES_MAX}: {NAME_KINDS}.'
        )
    try:
        _refuse_full(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        half_made = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent))
        try:
            _fill(half_made, name)
            half_made.chmod(0o755)
            if folder.exists():
                folder.rmdir()  # it is empty; Windows renames onto nothing
            half_made.rename(folder)
        except BaseException:
            shutil.rmtree(half_made, ignore_errors=True)
            raise
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _refuse_full(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise usage(f"{folder} is there and not empty; nothing was written. Choose another name.")


def _fill(folder: Path, name: str) -> None:
    for source in sorted(TEMPLATE.rglob("*")):
        path = source.relative_to(TEMPLATE)
        if source.is_dir() or "__pycache__" in path.parts:
            continue
        target = folder / path.with_name(RENAMED.get(path.name, path.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.name == SECRETS_FILE:
            target.touch(mode=OWNER_ONLY)  # before there is anything in it
        target.write_text(_rendered(path, source.read_text("utf-8"), name), "utf-8")


def _rendered(path: Path, text: str, name: str) -> str:
    if path.name == FLEET_FILE:
        document = tomlkit.parse(text)
        document["name"] = name
        # Drawn, so that two fleets in one radio's reach do not answer each other.
        document["network"] = 1 + secrets.randbelow(NETWORK_MAX)
        return tomlkit.dumps(document)
    if path.name == INVENTORY_FILE:
        return text.replace(PLACEHOLDER, name)
    return text


def _cannot_write(folder: Path, error: OSError) -> CmaError:
    return refused(
        f"{folder} cannot be written ({error.strerror}). Choose a folder that is yours."
    )
