"""Which application a board runs: the image's, or the one that a developer put at /user."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from device import app

SAYS = "WHO = {who!r}\n\ndef setup(agent):\n    agent.append(WHO)\n"


class Console:
    """What a person reads."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.errors: list[str] = []

    def note(self, kind: str, text: str) -> None:
        self.notes.append(kind)

    def app_error(self, where: str, error: Exception) -> None:
        self.errors.append(f"{where}: {type(error).__name__}")


class Disk:
    """A board's /user and /rom, and the console of its last start."""

    def __init__(self, folder: Path) -> None:
        self.user, self.rom = folder / "user", folder / "rom"
        self.user.mkdir()
        self.rom.mkdir()
        self.console = Console()

    def flash(self, about: str, who: str = "") -> None:
        (self.rom / "image.json").write_text(about)
        if who:
            (self.rom / "app.py").write_text(SAYS.format(who=who))

    def put(self, who: str) -> None:
        (self.user / "app.py").write_text(SAYS.format(who=who))

    def start(self) -> str:
        """Start as a board does; return who ran, "" for nobody."""
        for name in [name for name in sys.modules if name.split(".")[0] in ("app", "drivers")]:
            del sys.modules[name]
        self.console = Console()
        _state, setup = app.load(str(self.user), self.console, str(self.rom))
        ran: list[str] = []
        if setup is not None:
            setup(ran)
        return ran[0] if ran else ""


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path_importer_cache", {})
    yield Disk(tmp_path)
    sys.modules.pop("app", None)


def test_the_image_runs_its_application(disk: Disk) -> None:
    disk.flash("1", "image")
    assert disk.start() == "image"
    assert disk.console.notes == []


def test_what_a_developer_puts_at_user_shadows_it_and_it_is_said(disk: Disk) -> None:
    disk.flash("1", "image")
    disk.start()
    disk.put("developer")
    assert disk.start() == "developer"
    assert disk.console.notes == ["development"]
    assert disk.start() == "developer"


def test_a_new_image_sets_what_is_older_aside_once(disk: Disk) -> None:
    disk.flash("1", "image")
    disk.start()
    disk.put("developer")
    disk.start()
    disk.flash("2", "newer image")
    assert disk.start() == "newer image"
    assert disk.console.notes == ["set aside"]
    assert "developer" in (disk.user / "app.py.old").read_text()
    disk.put("developer")
    assert disk.start() == "developer"


def test_an_image_without_application_leaves_the_users_in_place(disk: Disk) -> None:
    disk.put("adopted")
    disk.flash("kernel")
    assert disk.start() == "adopted"
    assert disk.console.notes == []


def test_an_image_of_before_this_file_leaves_all_as_it_is(disk: Disk) -> None:
    disk.put("provisioned")
    assert disk.start() == "provisioned"
    assert not (disk.user / ".agent").exists()


def test_without_a_filesystem_the_images_application_still_runs(disk: Disk) -> None:
    disk.flash("1", "image")
    disk.user.rmdir()
    assert disk.start() == "image"
    assert disk.console.notes == ["image not noted"]


def test_drivers_come_from_where_the_application_comes(disk: Disk) -> None:
    for place in (disk.user, disk.rom):
        (place / "drivers").mkdir()
        (place / "drivers" / "soil.py").write_text(f"PLACE = {place.name!r}\n")
    disk.flash("1")
    (disk.rom / "app.py").write_text(
        "def setup(agent):\n    from drivers import soil\n    agent.append(soil.PLACE)\n"
    )
    assert disk.start() == "rom"
    (disk.user / "app.py").write_text((disk.rom / "app.py").read_text())
    assert disk.start() == "user"


def test_a_broken_application_is_reported_and_left_out(disk: Disk) -> None:
    disk.flash("1")
    (disk.rom / "app.py").write_text("1 / 0\n")
    assert disk.start() == ""
    assert disk.console.errors == ["import: ZeroDivisionError"]


def test_no_application_at_all_says_what_to_do(disk: Disk) -> None:
    assert disk.start() == ""
    assert disk.console.notes == ["no application"]


def test_a_program_without_setup_is_known_before_it_runs(disk: Disk) -> None:
    disk.flash("1", "image")
    assert not app.is_plain_program(str(disk.user))
    disk.put("developer")
    assert not app.is_plain_program(str(disk.user))
    (disk.user / "app.py").write_text("x = 1\n" * 100)
    assert app.is_plain_program(str(disk.user))
    for before in range(245, 260):  # wherever the word lies between two reads
        (disk.user / "app.py").write_text(" " * before + "setup")
        assert not app.is_plain_program(str(disk.user))


def test_another_application_has_another_fingerprint(disk: Disk) -> None:
    seen = [app.fingerprint(str(disk.user), str(disk.rom))]
    disk.flash("1", "image")
    seen.append(app.fingerprint(str(disk.user), str(disk.rom)))
    disk.flash("2", "image")
    seen.append(app.fingerprint(str(disk.user), str(disk.rom)))
    for who in ("developer", "developes"):
        disk.put(who * 100)
        seen.append(app.fingerprint(str(disk.user), str(disk.rom)))
    assert seen[0] == 0 and len(set(seen)) == len(seen)
    assert all(0 <= number < 1 << 30 for number in seen)
    assert app.fingerprint(str(disk.user), str(disk.rom)) == seen[-1]
