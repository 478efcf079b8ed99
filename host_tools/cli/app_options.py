"""Options of the commands that run an application on this computer: sensors, settings, board."""

from pathlib import Path
from typing import Any

from cma_toolkit.boards.load import Board, list_boards, load_board
from cma_toolkit.host_tools.errors import usage
from cma_toolkit.host_tools.fleet.fleet_file import FLEET_FILE, load_fleet
from cma_toolkit.host_tools.fleet.project import find_folder
from cma_toolkit.host_tools.fleet.strict import nearest
from cma_toolkit.host_tools.image.chips import CHIP_IDS


def check_app(app: Path, command: str) -> None:
    """Refuse an application that is not there, in the words of the command that was typed.

    Raises: CmaError 2.
    """
    if not app.is_file():
        raise usage(f"{app}: no such file; name your application, as in: {command} app.py")


def read_board(board_id: str) -> Board:
    """Return the board of `--board ID`, the file of the project around here before ours.

    Raises: CmaError 2 for a chip, with the boards that have it; BoardFileError for what is
    neither.
    """
    project = find_folder(Path.cwd())
    if board_id in CHIP_IDS:
        kinds = [board.id for board in list_boards(project) if board.chip == board_id]
        if board_id not in kinds:
            having = f"boards that have it are {', '.join(kinds)}" if kinds else "no board has it"
            raise usage(f'"{board_id}" is a chip, and --board wants a board: {having}.')
    return load_board(board_id, project)


def read_sensor(text: str) -> tuple[str, Any]:
    """Return the name and the value or rows of `--sensor NAME=VALUE` or `NAME=@FILE.csv`.

    Raises: CmaError (whoever typed it).
    """
    from cma_toolkit.sim.world.sensors import parse_value

    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        raise usage(f"--sensor {text}: write NAME=VALUE, or NAME=@FILE.csv.")
    if value.endswith(".csv") and not value.startswith("@"):
        raise usage(f"--sensor {text}: that is a text; a file is written {name}=@{value}.")
    return name, read_rows(value[1:]) if value.startswith("@") else parse_value(value)


def read_rows(name: str) -> list[tuple[float, Any]]:
    """Return the rows of a CSV file of seconds and values.

    Raises: CmaError (whoever typed it).
    """
    from cma_toolkit.sim.world.sensors import rows_from_csv

    path = Path(name)
    if not path.is_file():
        raise usage(f"{path}: no such file; name a CSV file.")
    try:
        return rows_from_csv(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"{path}: cannot be read ({error}); name a CSV file.") from error
    except ValueError as error:
        raise usage(f"{path}: {error}; write lines of seconds,value.") from error


def read_settings(
    app: Path, cluster: str, given: tuple[str, ...], *, cluster_must_exist: bool = True
) -> dict[str, int]:
    """Return the kernel's settings: of the fleet.toml beside the application, then of `--set`.

    Raises: CmaError (whoever typed it, or the file's author).
    """
    path = app.parent / FLEET_FILE
    values = _from_file(path, cluster, cluster_must_exist) if path.is_file() else {}
    if cluster and cluster_must_exist and not path.is_file():
        raise usage(f"cluster {cluster}: there is no {path} that has it; leave the cluster out.")
    values.update(read_setting(text) for text in given)
    return values


def _from_file(path: Path, cluster: str, cluster_must_exist: bool) -> dict[str, int]:
    from cma_toolkit.firmware.kernel.config import SETTING_NAMES

    fleet = load_fleet(path)
    cluster = cluster or fleet.cluster
    values = {key: setting.default for key, setting in fleet.settings.items()}
    if cluster in fleet.clusters:
        values.update(fleet.clusters[cluster].settings)
    elif cluster and cluster_must_exist:
        raise usage(f"{path}: no cluster {cluster}{nearest(cluster, fleet.clusters)}")
    return {
        key: value
        for key, value in values.items()
        if key in SETTING_NAMES and isinstance(value, int)
    }


def read_setting(text: str) -> tuple[str, int]:
    """Return the name and the value of `--set NAME=VALUE`.

    Raises: CmaError (whoever typed it).
    """
    from cma_toolkit.firmware.kernel.config import SETTING_NAMES
    from cma_toolkit.sim.scenario.describe import setting_problem

    name, _equals, value = text.partition("=")
    if name not in SETTING_NAMES:
        raise usage(f"--set {text}: no such setting{nearest(name, SETTING_NAMES)}")
    try:
        number = int(value)
    except ValueError:
        raise usage(f"--set {text}: write {name}= and a whole number.") from None
    problem = setting_problem(name, number)
    if problem:
        raise usage(f"--set {text}: {problem}")
    return name, number
