"""What the pure parts refuse, as the sentence and the exit code that a person gets.

Those parts know no exit codes: `boards` and `sim` may not import `host_tools`.
"""

from cma_toolkit.boards.errors import BoardFileError, FlashMapError
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.image.errors import ImageError, SourceError
from cma_toolkit.sim.scenario.errors import ScenarioError
from cma_toolkit.sim.virtual_board.supervisor.errors import VirtualBoardError

VIRTUAL_CODES = {
    "usage": ExitCode.USAGE,
    "no-device": ExitCode.NO_DEVICE,
    "refused": ExitCode.REFUSED,
    "timeout": ExitCode.TIMEOUT,
}
REFUSALS = (BoardFileError, CmaError, ImageError, ScenarioError, VirtualBoardError)


def as_cma_error(refusal: Exception) -> CmaError:
    """Return the sentence of one of `REFUSALS` with its exit code."""
    if isinstance(refusal, CmaError):
        return refusal
    if isinstance(refusal, VirtualBoardError):
        return CmaError(refusal.message, VIRTUAL_CODES[refusal.kind])
    if isinstance(refusal, BoardFileError) and not isinstance(refusal, FlashMapError):
        return CmaError(str(refusal), ExitCode.USAGE)
    if isinstance(refusal, SourceError | ScenarioError):
        return CmaError(str(refusal), ExitCode.USAGE)
    return CmaError(str(refusal), ExitCode.REFUSED)
