"""What can go wrong for a person with virtual boards, in words that say what to do.

`kind` is what a command turns into its exit code: "usage", "no-device", "refused" or "timeout".
It travels over the control socket beside the sentence.
"""

KINDS = ("usage", "no-device", "refused", "timeout")


class VirtualBoardError(Exception):
    """Refuse one request with a sentence that ends with what to do."""

    def __init__(self, message: str, kind: str = "refused") -> None:
        assert kind in KINDS
        super().__init__(message)
        self.message = message
        self.kind = kind


def unknown_board(name: str) -> VirtualBoardError:
    """Make the error for a name that no board has."""
    return VirtualBoardError(
        f"There is no virtual board {name!r}: run cma virtual list, or create it with "
        f"cma virtual create {name}.",
        "no-device",
    )


def needs_linux() -> VirtualBoardError:
    """Make the error for a system on which virtual boards cannot run."""
    return VirtualBoardError(
        "Virtual boards need Linux or WSL2, because their MicroPython is its Linux port: "
        "run this command there."
    )
