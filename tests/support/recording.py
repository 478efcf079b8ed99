"""A profiler's recording, made from a model."""

from pathlib import Path

from cma_toolkit.host_tools.power.model import Budget

STEP_MS = 0.5


def write_recording(path: Path, model: Budget, wakes: int, scale: float = 1.0) -> None:
    """Write what a PPK2 would save of a board that draws the model's currents, scaled."""
    spans = [(share.part.span_ms, share.current_ua * scale) for share in model.shares]
    asleep = spans[-1]
    half = (asleep[0] / 2, asleep[1])
    with path.open("w") as file:
        file.write("Timestamp(ms),Current(uA)\n")
        began_ms = at_ms = 0.0
        for _ in range(wakes):
            for span_ms, current_ua in (half, *spans[:-1], half):
                began_ms += span_ms
                while at_ms < began_ms:
                    file.write(f"{at_ms:.3f},{current_ua:.3f}\n")
                    at_ms += STEP_MS
