"""How the loader's updater ends: what may start after it, and what must be looked at first."""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from attacks.slots import SIZE, TWO, Box
from loader import mark

from kernel.fields import read_word
from kernel.release.budget import COLLECT_BYTES, SESSION_UAH
from kernel.release.slots import TRIAL
from support.release_board import ROOT, ROOT_2, TIMESTAMP, next_root
from support.release_signers import role, signed
from support.slot_cuts import NEW_RELEASE, release

THREE = release(3, SIZE, by=NEW_RELEASE)
SPENT = 4
PARTS = (
    "knock board flash link_espnow links watchdog nvs settings pins parts link_udp link_uart"
).split()


class ResetError(Exception):
    """The board was reset."""


class Machine(ModuleType):
    """The hardware: RTC memory, and a reset that ends what runs."""

    def __init__(self) -> None:
        super().__init__("machine")
        self.kept = b""
        self.collect_bytes = 0

    def threshold(self, size_bytes: int) -> None:
        """Take what MicroPython's `gc.threshold` takes."""
        self.collect_bytes = size_bytes

    def RTC(self) -> "Machine":  # noqa: N802 - as on a board
        return self

    def memory(self, data: bytes | None = None) -> bytes:
        self.kept = self.kept if data is None else bytes(data)
        return self.kept

    def reset(self) -> None:
        raise ResetError


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Machine]:
    """Return the loader's module over hardware that is not there, and that hardware."""
    hardware = Machine()
    monkeypatch.setitem(sys.modules, "machine", hardware)
    monkeypatch.setattr(sys, "print_exception", print, raising=False)
    stand_ins = ["deflate", "loader.looking", "loader.places"]
    for name in stand_ins + ["device." + part for part in PARTS]:
        module = ModuleType(name)
        module.__getattr__ = lambda name: None  # type: ignore[method-assign]
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "loader.updating", raising=False)
    module = importlib.import_module("loader.updating")
    monkeypatch.delitem(sys.modules, "loader.updating")
    module.gc = hardware  # type: ignore[attr-defined]
    return module, hardware


def ended(loaded: tuple[Any, Machine], session: Callable[[Box], int]) -> tuple[Box, type]:
    """Run the updater on a board that tries release 2; return it, and how that ended."""
    module, hardware = loaded
    box = Box()
    box.boot()
    box.bring(TWO)
    at = box.boot()
    assert box.board.slots[at].state == TRIAL and box.runs() == 2
    hardware.kept = bytes(mark.write(b"", (mark.TRIAL | mark.SLOT_B * at, 1, 2, 3)))
    module.Station = lambda: SimpleNamespace(
        run_session=lambda installation: session(box),
        radio=lambda is_on: None,
        watchdog=SimpleNamespace(keep_fed=lambda: None),
        runtime=None,
    )
    try:
        module.run(box.board)
    except (ResetError, SystemExit) as error:
        return box, type(error)
    return box, type(None)


def revoke(box: Box) -> int:
    """Bring a root that names other release keys, and half of release 3."""
    roles = {"root": role(2, ROOT, ROOT_2), "release": role(1, NEW_RELEASE)}
    root = next_root(roles={**roles, "timestamp": role(1, TIMESTAMP)})
    assert box.board.on_root(signed(root.to_bytes(), [ROOT, ROOT_2])) == 0
    assert box.offer(THREE, version=5) == 0
    box.fill(THREE, [0])
    return SPENT


def stop(box: Box) -> int:
    """Do the same, until somebody at the console stops it."""
    revoke(box)
    raise KeyboardInterrupt


def fail(box: Box) -> int:
    """Do the same, until something fails."""
    revoke(box)
    raise OSError(5)


@pytest.mark.parametrize("session", [revoke, fail])
def test_a_slot_that_was_revoked_is_looked_at_again_before_anything_starts(
    loaded: tuple[Any, Machine], session: Callable[[Box], int]
) -> None:
    box, how = ended(loaded, session)
    assert how is ResetError
    assert mark.read(loaded[1].kept) is None, "a soft reset would start half a release"
    assert box.boot() == 0 and box.runs() == 1


def test_one_that_is_stopped_leaves_no_word_for_a_revoked_slot(
    loaded: tuple[Any, Machine],
) -> None:
    _, how = ended(loaded, stop)
    assert how is type(None)
    assert mark.read(loaded[1].kept) is None


def test_a_trial_goes_on_after_a_session_that_brought_nothing(
    loaded: tuple[Any, Machine],
) -> None:
    _, how = ended(loaded, lambda box: SPENT)
    found = mark.read(loaded[1].kept)
    assert how is SystemExit
    assert found is not None and found[0] & mark.TRIAL and found[1] == mark.WATCHED | 1
    assert loaded[1].collect_bytes == COLLECT_BYTES


def test_a_session_that_breaks_off_gives_back_what_it_did_not_take(
    loaded: tuple[Any, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, _ = loaded
    box = Box()
    box.boot()
    currents = SimpleNamespace(currents_ua=(64_000, 95_000, 355_000))
    settings = SimpleNamespace(
        config=currents, whole=lambda key, value: value, name="a", network=1, board="test"
    )
    board = SimpleNamespace(settings=settings, battery_mv=lambda: 3_000, mac=bytes(6))
    station = object.__new__(module.Station)
    station.__dict__.update(_board=board, links=[], outcome=0, runtime=None)
    station.tell = station.radio = station._await_wifi = lambda *args: None
    monkeypatch.setattr(module, "board_classes", lambda: (bytes(16),))
    monkeypatch.setattr(module, "open_runtime", lambda installation: None)
    monkeypatch.setattr(module, "mpy_format", lambda: 0)
    monkeypatch.setattr(module, "node_id", lambda mac: 1)
    monkeypatch.setattr("time.ticks_ms", lambda: 1_000, raising=False)

    def broken(updater: object) -> None:
        raise MemoryError

    station._run = broken
    with pytest.raises(MemoryError):
        station.run_session(box.board)
    used_uah = read_word(box.board.table.get(b"charge") or b"", 0)
    assert 0 < used_uah < SESSION_UAH // 10
