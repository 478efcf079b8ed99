"""`cma release create --micropython`: which images go into a release, and what is refused."""

import json
import re
from pathlib import Path

import pytest

from cma_toolkit.host_tools.cli import micropython
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.release import artefact
from cma_toolkit.host_tools.release.published import PublishedRuntime, of_sequence
from cma_toolkit.host_tools.release.repository import Repository
from cma_toolkit.sim.virtual_board.boot.firmware_image import make_app, make_micropython
from cma_toolkit.sim.virtual_board.rom.chips import find_chip
from support.person import Person, settle

S3, C6 = "ESP32_GENERIC_S3-SPIRAM_OCT", "ESP32_GENERIC_C6"
S3_FILE, C6_FILE = f"{S3}-20260824-v1.29.0.bin", f"{C6}-20260824-v1.29.0.bin"


@pytest.fixture
def person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Person:
    settle(tmp_path, monkeypatch)
    # Images that were built are taken from where they are kept for all; MicroPythons are not.
    monkeypatch.setattr(micropython, "store_folder", lambda _: tmp_path / "store")
    Path("fleet.toml").write_text('name = "garden"\nnetwork = 1\n')
    Path("inventory.csv").write_text(
        "name,board\none,esp32-s3-devkitc-1\ntwo,esp32-devkitc\nthree,esp32-s3-devkitc-1\n"
    )
    Path(S3_FILE).write_bytes(make_micropython("esp32s3"))
    Path(C6_FILE).write_bytes(make_micropython("esp32c6"))
    return Person(capsys)


def test_a_release_carries_it_signs_it_and_goes_on_with_it(person: Person) -> None:
    person.types("release init")
    made = json.loads(
        person.types(f"release create --micropython {S3_FILE} --security-counter 3 --output json")
    )
    (runtime,) = made["micropython"]
    assert (runtime["build"], runtime["sequence"], runtime["security_counter"]) == (S3, 1, 3)
    assert made["parts"][0]["runtime"] == 1 and made["parts"][0]["manifest_bytes"] <= 128
    file = made["file"]
    assert "1 of 1 keys." in person.types(f"release sign {file}")
    person.types(f"release publish {file}")
    shown = person.types(f"release inspect {file}")
    assert re.search(f"MicroPython of release 1, [0-9]+ bytes, for boards with {S3}", shown)
    assert shown.count("take it") == 2
    # The next one goes on with it: the same bytes, signed already, under its own number.
    again = json.loads(person.types("release create --security-counter 3 --output json"))
    assert again["sequence"] == 2
    assert again["micropython"][0]["sequence"] == again["parts"][0]["runtime"] == 1
    assert again["micropython"][0]["signed_by"]
    person.types(f"release sign {again['file']}")
    person.types(f"release publish {again['file']}")
    image, other = of_sequence(Repository(Path("release")), 2)
    assert isinstance(other, PublishedRuntime)
    assert other.part.image == make_app(find_chip("esp32s3"), "1.29.0")
    assert image.part.manifest.runtime == other.part.manifest.sequence == 1
    earlier = person.types("release create --sequence 1 --output json")
    assert json.loads(earlier)["micropython"][0]["sequence"] == 1


def test_a_version_is_taken_for_each_board_of_the_project(person: Person) -> None:
    said = person.types("release create --micropython 1.29.0", ExitCode.USAGE)
    assert f"MicroPython 1.29.0 for {S3} is not on this computer" in said
    assert "cma micropython fetch --board esp32-s3-devkitc-1 --version 1.29.0" in said
    own = f"{S3}-20260101-v1.28.1.bin"  # a build that no board's file vouches for
    Path(own).write_bytes(make_micropython("esp32s3", "1.28.1"))
    person.types(f"micropython add {own}")
    made = json.loads(person.types("release create --micropython 1.28.1 --output json"))
    assert [each["build"] for each in made["micropython"]] == [S3]
    Path("inventory.csv").write_text("name,board\ntwo,esp32-devkitc\n")
    said = person.types("release create --micropython 1.28.1", ExitCode.USAGE)
    assert "No board of inventory.csv has two places for MicroPython" in said


def test_an_application_without_its_bootloader_will_do(person: Person) -> None:
    app = make_app(find_chip("esp32s3"), "1.29.0")
    path = Path(S3_FILE).with_suffix(".app-bin")
    path.write_bytes(app)
    made = json.loads(person.types(f"release create --micropython {path} --output json"))
    with Path(made["file"]).open("rb") as file:
        (runtime,) = artefact.read(file.read(), "").runtimes
    assert runtime.image == app and runtime.architecture == S3


@pytest.mark.parametrize(
    "name,image,code,said",
    [
        (S3_FILE, b"nothing", ExitCode.REFUSED, "is no MicroPython"),
        ("mine.bin", make_micropython("esp32s3"), ExitCode.USAGE, "for which build it is"),
        (S3_FILE, make_micropython("esp32"), ExitCode.USAGE, "two places for MicroPython"),
        (S3_FILE, make_micropython("esp32s3", "1.27.0"), ExitCode.REFUSED, "1.28 to 1.29"),
        (S3_FILE, make_micropython("esp32s3", "1.99.0"), ExitCode.REFUSED, "1.28 to 1.29"),
        (C6_FILE, make_micropython("esp32c6"), ExitCode.USAGE, f"need {S3}, too"),
        (S3_FILE, None, ExitCode.USAGE, "Name a MicroPython .bin file"),
    ],
)
def test_what_boards_could_not_run_is_refused_in_one_sentence(
    person: Person, name: str, image: bytes | None, code: ExitCode, said: str
) -> None:
    Path(S3_FILE).unlink()
    if image is not None:
        Path(name).write_bytes(image)
    told = person.types(f"release create --micropython {name}", code)
    assert said in told and told.count("\n") <= 3, told
    assert not list(Path().glob("build/*.release"))


def test_a_file_with_another_micropython_than_its_manifest_is_damaged(person: Person) -> None:
    made = json.loads(person.types(f"release create --micropython {S3_FILE} --output json"))
    path = Path(made["file"])
    whole = artefact.read(path.read_bytes(), "")
    (runtime,) = whole.runtimes
    changed = artefact.Part(runtime.architecture, runtime.envelope, runtime.image[:-1] + b"!")
    other = artefact.Part(C6, runtime.envelope, runtime.image)
    for runtimes in ((changed,), (other,), ()):
        bad = artefact.Release(whole.name, whole.parts, (), runtimes)
        path.write_bytes(bad.to_bytes())
        assert "is damaged" in person.types(f"release inspect {path}", ExitCode.REFUSED)
