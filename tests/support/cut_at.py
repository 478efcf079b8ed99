"""A fault that cuts the power once, for whoever drives a NOR flash."""

from cma_toolkit.sim.virtual_board.rom.nor_flash import Cut


class CutAt:
    """Cut the power in one operation: the `after_operations`-th from now (from 1)."""

    def __init__(
        self, after_operations: int, torn_bytes: int | None = None, bits: int = 0
    ) -> None:
        assert after_operations >= 1
        self._left = after_operations
        self._cut = Cut(torn_bytes or 0, bits)

    def before(self, index: int, kind: str, offset: int, size_bytes: int) -> Cut | None:
        """Count the operation down."""
        self._left -= 1
        return None if self._left else self._cut
