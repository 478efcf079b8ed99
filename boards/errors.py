"""What can be wrong with a board file."""


class BoardFileError(Exception):
    """Refuse a board file, or the name of a board, with one sentence that says what to do."""


class FlashMapError(BoardFileError):
    """Refuse a flash map that would harm: partitions that overlap, or lie outside the flash."""
