"""A board that is started by the loader's own code, over hardware that is not there.

Each reset runs `loader.choosing` and `loader.looking` anew, as they stand or without a check, with
nothing from before but flash and RTC memory. What runs is the image that they mount.
"""

import sys
from types import ModuleType
from typing import Any
from unittest import mock

from attacks.attack import source_of, stopped
from attacks.places import CHOOSING, LOOKING
from attacks.slots import BAD, ONE, THREE, TWO, Box
from loader import mark

from kernel.release.installation import RECOVERY
from kernel.release.layout import SECTOR_BYTES
from kernel.release.region import Region
from support.slot_cuts import PARTITION_SECTORS, ROOT_BYTES, STATE_SECTORS, Release

POWER, HARD, WATCHDOG, DEEP_SLEEP, SOFT = range(1, 6)  # MicroPython's reset causes
RTC_BYTES = 2_048
PARTITION_BYTES = PARTITION_SECTORS * SECTOR_BYTES
RUNNING = b"\xc4\xa7\x01"  # an agent that has not ended
RESETS_MAX = 4  # from a reset to an image: one ends the look, one the listening after it


class Loaded(Box):
    """One board behind its loader."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = bytes(RTC_BYTES)
        self.image = b""

    def start(self, cause: int) -> None:
        """Reset the board for a reason, and let it come to an image; nobody offers anything."""
        if cause == POWER:
            self.memory = bytes(RTC_BYTES)
        self.image = b""
        for _ in range(RESETS_MAX):
            if self._reset(cause):
                return
            cause = SOFT

    def crash(self) -> None:
        """Have the agent end in the middle of its run, and start."""
        self.memory = RUNNING + self.memory[len(RUNNING) :]
        self.start(HARD)

    def tell(self, bits: int) -> None:
        """Have the agent tell its loader something."""
        found = mark.read(self.memory)
        assert found is not None
        self.memory = bytes(mark.write(self.memory, (found[0] | bits, *found[1:])))

    def runs(self, *known: Release) -> int:
        """Return the sequence of what was mounted, byte for byte one of the known ones."""
        stopped(self.image, "nothing runs")
        for one in known or (ONE, TWO, BAD, THREE):
            if self.image[: len(one.image)] == one.image:
                return one.sequence
        stopped(False, "it runs what nobody signed")
        return 0

    def _reset(self, cause: int) -> bool:
        """Run the loader once; tell whether it has mounted an image, or has none to mount."""
        paths = list(sys.path)
        modules = self._hardware(cause)
        with mock.patch.dict(sys.modules, modules):
            choosing: Any = modules["loader.choosing"]
            try:
                choosing.look_if_due()
                choosing.mount_slot()
            except SystemExit:
                return False
            finally:
                sys.path[:] = paths
        # Where nothing is good the updater listens for ever; else it ends in a soft reset.
        return bool(self.image) or self.board.running == RECOVERY

    def _hardware(self, cause: int) -> dict[str, ModuleType]:
        loader = _stand_in("loader", mark=mark, __path__=[])
        places = {"romfs": (0, PARTITION_SECTORS), "state": (PARTITION_SECTORS, STATE_SECTORS)}
        modules = {
            "machine": _stand_in(
                "machine",
                PWRON_RESET=POWER,
                HARD_RESET=HARD,
                WDT_RESET=WATCHDOG,
                DEEPSLEEP_RESET=DEEP_SLEEP,
                SOFT_RESET=SOFT,
                reset_cause=lambda: cause,
                RTC=lambda: _stand_in("rtc", memory=self._memory),
            ),
            "vfs": _stand_in(
                "vfs",
                rom_ioctl=lambda *_: bytes(self.flash.cells[:PARTITION_BYTES]),
                VfsRom=bytes,
                umount=lambda _: None,
                mount=self._mount,
            ),
            "device.flash": _stand_in(
                "device.flash", open_flash=lambda label: Region(self.flash, *places[label])
            ),
            "loader": loader,
            "loader.mark": mark,
            "loader.places": _stand_in("loader.places", open_runtime=lambda _: None),
        }
        with mock.patch.dict(sys.modules, modules):
            choosing = modules["loader.choosing"] = _module("loader.choosing", CHOOSING)
            sys.modules["loader.choosing"] = choosing
            looking = _module("loader.looking", LOOKING)
        look_up = looking.open_installation

        def open_installation() -> Any:
            self.board = look_up()
            return self.board

        looking.open_installation, looking._root = open_installation, lambda: ROOT_BYTES
        loader.looking = looking  # type: ignore[attr-defined]
        return {**modules, "loader.looking": looking}

    def _memory(self, data: bytes | None = None) -> bytes:
        self.memory = self.memory if data is None else bytes(data)
        return self.memory

    def _mount(self, image: bytes, _path: str) -> None:
        self.image = image


def _module(name: str, path: str) -> Any:
    module: Any = ModuleType(name)
    exec(compile(source_of(path), path, "exec"), module.__dict__)
    return module


def _stand_in(name: str, **names: Any) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(names)
    return module
