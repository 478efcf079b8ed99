"""What all agents of one board used, one life after another, each by its own account."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.firmware.kernel.agent import Agent


class Account:
    """Add up what no agent knows of itself: an account begins anew whenever RTC memory is lost.

    Units: uAh. What was used since the last step of an agent that died is nobody's.
    """

    def __init__(self) -> None:
        self._present_uah = 0  # of the account that was read last
        self._before_uah = 0  # of those that had ended before it began

    def read(self, agent: "Agent") -> None:
        """Read an agent's account: to be called after each start, and before each end."""
        before_uah = self._present_uah
        self._present_uah = agent.governor.energy.total_uah()
        if self._present_uah < before_uah:
            self._before_uah += before_uah

    def total_uah(self) -> int:
        """Return the sum of all."""
        return self._before_uah + self._present_uah
