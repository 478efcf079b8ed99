"""Faults of a board's flash: bits that turn, and sectors that no longer take anything."""

from cma_toolkit.sim.world.faults.made import BoardFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.fleet import Fleet


class BitRot(BoardFault):
    """Flip bits of flash that holds something, at drawn instants. No end gives them back."""

    NAME, NUMBER = "bit-rot", 21
    PARAMETERS = (BoardFault.AGENT, ("count", 1, 1_000, 1, 5, 1))
    count: int

    def begin(self, fleet: "Fleet") -> None:
        """Draw the instants."""
        BoardFault.begin(self, fleet)
        self.at_times(self.count)

    def strike(self) -> None:
        """Flip one bit of a record or of what surrounds it."""
        flash, rng = self.board.flash, self.stream(self.agent)
        used = flash.used_sectors()
        if used:
            sector = used[rng.below(len(used))]
            cells = len(flash._sectors[sector])
            flash.flip(8 * (sector * flash.sector_bytes + rng.below(cells)) + rng.below(8))


class FlashFull(BoardFault):
    """Leave flash only so many sectors that take anything: the others refuse."""

    NAME, NUMBER = "flash-full", 22
    PARAMETERS = (BoardFault.AGENT, ("sectors_left", 0, 31, 0, 3, 0))
    sectors_left: int

    def begin(self, fleet: "Fleet") -> None:
        """Make the others bad, those with the highest numbers first."""
        BoardFault.begin(self, fleet)
        flash = self.board.flash
        self._spoilt: list[int] = [
            sector
            for sector in range(self.sectors_left, flash.sector_count)
            if sector not in flash.bad
        ]
        for sector in self._spoilt:
            flash.bad[sector] = "program error"

    def end(self, fleet: "Fleet") -> None:
        """Make them good again, but for those that another fault of this kind refuses, too."""
        BoardFault.end(self, fleet)
        heir: FlashFull | None = None
        for other in self.others():
            assert isinstance(other, FlashFull)
            if heir is None or other.sectors_left < heir.sectors_left:
                heir = other
        for sector in self._spoilt:
            if heir is not None and sector >= heir.sectors_left:
                heir._spoilt.append(sector)
            else:
                self.board.flash.bad.pop(sector, None)
