"""`cma release`: what a person types, sees and is refused."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from cma_toolkit.firmware.kernel.release import gathering
from cma_toolkit.host_tools.cli.agent_image import AgentImages
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.release import artefact
from support.person import Person, settle


@pytest.fixture
def person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Person:
    settle(tmp_path, monkeypatch)
    return Person(capsys, "release")


def test_a_release_from_the_first_key_to_the_second_release(person: Person) -> None:
    assert "root, release, timestamp" in person.types("init")
    made = json.loads(person.types("create --output json"))
    assert (made["file"], made["sequence"]) == ("build/app-1.release", 1)
    assert made["parts"][0]["manifest_bytes"] <= 128
    file = made["file"]
    assert "cma release sign" in person.types(f"publish {file}", ExitCode.REFUSED)
    unsigned = AgentImages(Path(), built=Path(file), project=Path.cwd())
    with pytest.raises(CmaError, match="cma release sign build"):
        unsigned.check()
    assert "1 of 1 keys." in person.types(f"sign {file}")
    flashable(Path(file))
    assert "not the published one" in person.types(f"inspect {file}")
    assert "release/app-1.release" in person.types(f"publish {file}")
    shown = json.loads(person.types(f"inspect {file} --output json"))
    assert shown["parts"][0]["boards"] == "take it" and shown["digest"] == made["digest"]
    assert "app 1 is current for 9 days" in person.types("refresh --days 9")
    again = json.loads(person.types("create --output json"))
    assert again["sequence"] == 2  # the next one

    held = json.loads(person.types("keys --output json"))["keys"]
    assert [(key["role"], key["signatures_left"]) for key in held] == [
        ("root", 31),
        ("release", 31),
        ("timestamp", 30),
    ]
    said = person.types("backup release away/release.backup --signatures 8")
    assert "8 signatures" in said and "Never copy this file" in said
    assert "31 signatures left" in person.types("restore away/release.backup")
    assert "put back" in person.types("restore away/release.backup", ExitCode.USAGE)
    lost = held[1]["id"]
    Path("keys/release.key").unlink()
    assert "not here" in person.types("keys")
    assert "release-v2 is release in the place of" in person.types(f"rotate release {lost}")
    assert "signed by 1 of 1 keys." in person.types("sign release/root.2.cbor")
    assert "newest root" in person.types("sign release/root.1.cbor", ExitCode.USAGE)


def test_what_boards_have_no_room_for_is_not_made(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.types("init")
    monkeypatch.setattr(gathering, "GATHERED_BYTES_MAX", 1_000)
    said = person.types("create", ExitCode.REFUSED)
    assert "no room for any release" in said and not Path("build").exists()
    Path("keys").rename("elsewhere")
    Path("release").rename("other")
    person.types("create")  # whose keys will sign it, nobody knows yet
    said = person.types("init --release 2/2", ExitCode.USAGE)
    assert "With --release 2/2 and --timestamp 1/1 boards have no room" in said
    assert not Path("keys").exists()


def test_a_rotation_that_was_cut_off_is_said_again(person: Person) -> None:
    person.types("init")
    assert "earlier" not in person.types("rotate release release")
    root = Path("release/root.2.cbor")
    root.unlink()
    assert "rotate again if that was cut off" in person.types(
        "rotate timestamp timestamp", ExitCode.REFUSED
    )
    said = person.types("rotate release release")
    assert "release-v2 is release in the place of release" in said and root.exists()
    assert "An earlier rotate made release-v2: if a thief may have that, too" in said
    assert "release-v3 is release" in person.types("rotate release release-v2")


def flashable(file: Path) -> None:
    """See that boards at a cable get a release's image with what vouches for it."""
    (part,) = artefact.read(file.read_bytes(), "").parts
    folder = Path("flashed")
    folder.mkdir()
    images = AgentImages(folder, built=file, project=Path.cwd())
    for port in (Port("u0"), Port("virtual://one")):
        (path,) = images.files(port).values()
        assert Path(path).read_bytes() == part.image
    (kept,) = images.envelopes.items()
    assert kept[0] == sha256(part.image).hexdigest()
    assert Path(kept[1]).read_bytes() == part.envelope
    with pytest.raises(CmaError, match="for boards of a project"):
        AgentImages(folder, built=file).check()


def test_nothing_that_is_printed_has_a_secret(person: Person) -> None:
    said = person.types("init") + person.types("keys") + person.types("keys --output json")
    for name in ("root", "release", "timestamp"):
        assert json.loads(Path(f"keys/{name}.key").read_text())["seed"] not in said


def test_what_cannot_be_is_refused_in_one_sentence(person: Person) -> None:
    init = "cma release init"
    assert init in person.types("keys", ExitCode.USAGE)
    for text in ("0/1", "2/1", "1/4", "one", "1"):
        assert "2/3" in person.types(f"init --root {text}", ExitCode.USAGE)
    for line in ("sign root.2.cbor", "sign release/root.1.cbor", "rotate root root", "refresh"):
        assert person.types(line, ExitCode.USAGE).startswith("cma: ")
    assert "is no release" in person.types("inspect app.py", ExitCode.REFUSED)
    assert "There is no none" in person.types("inspect none", ExitCode.USAGE)
    assert "no app.py" in person.types("create nowhere/app.py", ExitCode.USAGE).replace(
        "no nowhere/", "no "
    )
    for option, text in (("--security-counter", "-1"), ("--min-battery", "-3")):
        said = person.types(f"create {option} {text}", ExitCode.USAGE)
        assert f"{option}: write a number from 0 to" in said
    assert "--after" in person.types("create --sequence 3 --after 3", ExitCode.USAGE)
    assert not Path("keys").exists() and not Path("release").exists()


def test_files_out_of_reach_are_a_sentence(person: Person) -> None:
    Path("keys").write_text("a file")
    assert "keys" in person.types("init", ExitCode.USAGE)
    Path("folder").mkdir()
    assert "folder" in person.types("inspect folder", ExitCode.USAGE)


def test_a_second_signature_by_a_key_that_a_person_has(person: Person) -> None:
    anna, bert = (ed25519.Ed25519PrivateKey.generate() for _ in range(2))
    encoding, form = serialization.Encoding, serialization.PublicFormat.OpenSSH
    for name, key in (("anna", anna), ("bert", bert)):
        public = key.public_key().public_bytes(encoding.OpenSSH, form)
        Path(f"{name}.pub").write_bytes(public)
    private = serialization.PrivateFormat.OpenSSH
    data = anna.private_bytes(encoding.PEM, private, serialization.NoEncryption())
    Path("anna").write_bytes(data)
    person.types("init")
    file = json.loads(person.types("create --output json"))["file"]
    said = person.types(f"sign {file} --ed25519 anna")
    person.types(f"sign {file}")
    person.types(f"publish {file}")
    shown = json.loads(person.types(f"inspect {file} --ed25519 anna.pub --output json"))
    assert shown["ed25519"][0] in said and shown["parts"][0]["boards"] == "take it"
    assert "which boards do not look at" in person.types(f"inspect {file}")
    missing = person.types(f"inspect {file} --ed25519 bert.pub", ExitCode.REFUSED)
    assert "not signed by bert.pub" in missing
    assert "no private" in person.types(f"sign {file} --ed25519 anna.pub", ExitCode.USAGE)
