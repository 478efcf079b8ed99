"""Read a scenario file, or make the scenario of an application that has none."""

from pathlib import Path

from cma_toolkit.boards import strict
from cma_toolkit.sim.scenario.errors import ScenarioError
from cma_toolkit.sim.scenario.records import Must, Scenario, Who

SUFFIX = ".toml"
AGENTS = 8  # of an application without a scenario


def load(path: Path) -> Scenario:
    """Return the scenario of a `.toml` file, or the plain one of an application's `.py`.

    Raises: ScenarioError (the file's author).
    """
    if path.is_dir():
        raise ScenarioError(f"{path} is a folder; name your scenario or your application in it.")
    if not path.is_file():
        raise ScenarioError(f"{path}: no such file; name your scenario or your application.")
    if path.suffix != SUFFIX:
        return Scenario(who=Who(app=path.name, agents=AGENTS), must=Must(checkers=()))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read ({error}); name a scenario.") from error
    return strict.decode(text, Scenario, str(path), ScenarioError)
