"""Attacks 39, 50 to 52 and 79: what a release is made with, holds, and needs."""

import json
from functools import partial
from pathlib import Path

import pytest
from attacks.attack import attack, check, refused, refused_by_cma
from attacks.places import BUILD, DISCLOSED, ENVELOPE, MANIFEST
from attacks.test_encoding import ONE_FORM

from cma_toolkit.firmware.kernel.release import refusals
from cma_toolkit.host_tools.cli import release
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.image import build, mpy, romfs
from cma_toolkit.host_tools.release import artefact
from cma_toolkit.host_tools.release.procedures import Office
from support.release_board import RELEASE, Handed
from support.release_signers import MPY, SMALL, manifest, signed


@attack(
    check(
        "the algorithm of a signature",
        ENVELOPE,
        "at = _after(view, at, _SIGN1)",
        "at += len(_SIGN1)",
    )
)
def test_attack_39_downgraded_signature_algorithm() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE])
    assert handed.take(data) == 0
    for other in (b"\xa1\x01\x38\x2c", b"\xa1\x01\x26\x00"):  # -45, and ES256
        changed = data.replace(b"\xa1\x01\x38\x2d", other)
        assert changed != data
        refused(lambda changed=changed: handed.take(changed), refusals.REFUSED_MALFORMED)


@attack(ONE_FORM)
def test_attack_39_unknown_hash_of_an_image() -> None:
    payload = manifest()
    assert Handed().release(payload) == 0
    for number in (b"\x30", b"\x0f", b"\x2d"):  # none, a private one, SHA-1
        other = payload.replace(b"\x82\x2f\x58\x20", b"\x82" + number + b"\x58\x20")
        assert other != payload
        refused(lambda other=other: Handed().release(other), refusals.REFUSED_MALFORMED)


@attack(
    check(
        "the hash of a document",
        ENVELOPE,
        'at = _after(view, start + 1, b"\\x58\\x24" + self._suit_digest)',
        "at = start + 39",
    )
)
def test_attack_39_unknown_hash_of_a_document() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE])
    assert handed.take(data) == 0
    other = data.replace(b"\x82\x2f\x58\x20", b"\x82\x30\x58\x20", 1)
    refused(lambda: handed.take(other), refusals.REFUSED_MALFORMED)


@attack(
    check(
        "secrets in an image",
        DISCLOSED,
        "if secret in content or secret.hex().encode() in content.lower():",
        "if False:",
    )
)
def test_attack_50_secrets_in_clear_in_the_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(release, "Office", partial(Office, parameters=SMALL))
    (tmp_path / "app.py").write_text("def setup(agent):\n    pass\n")
    (tmp_path / "secrets.toml").write_text('[wifi]\nhome = "a long password"\n')
    (tmp_path / "secrets.toml").chmod(0o600)

    def types(line: str) -> None:
        release.command.main(line.split(), standalone_mode=False)

    types("init")
    types("create")
    seed = json.loads((tmp_path / "keys" / "release.key").read_text())["seed"]
    leaks = {
        "the key release": ("key.txt", f"seed = {seed.upper()}"),
        'the network "home"': ("net.py", 'PASSWORD = "a long password"\n'),
    }
    for what, (name, content) in leaks.items():
        path = tmp_path / "lib" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        said = refused_by_cma(ExitCode.REFUSED, lambda: types("create"))
        path.unlink()
        assert what in said and seed not in said.lower() and "long password" not in said
    types("create")


@attack(
    check(
        "the format of `.mpy` files",
        MANIFEST,
        "manifest.mpy >> 8 != board.mpy >> 8 or manifest.mpy > board.mpy),",
        "False),",
    )
)
def test_attack_51_mpy_of_another_version() -> None:
    for mpy_format in (MPY, 6 << 8 | 1):
        assert Handed().release(manifest(mpy=mpy_format)) == 0
    for mpy_format in (6 << 8 | 4, 7 << 8 | 3, 5 << 8 | 3, 0):
        payload = manifest(mpy=mpy_format)
        refused(lambda payload=payload: Handed().release(payload), refusals.REFUSED_RUNTIME)


def image_with(files: dict[str, bytes]) -> build.Image:
    """Return an image that somebody built with these files."""
    about = json.dumps({"name": "greenhouse", "sources": "0"}).encode()
    kernel = {"kernel/agent.mpy": compiled(""), build.ABOUT: about}
    return build.open_image(romfs.pack({**kernel, **files}), "greenhouse.romfs")


def compiled(architecture: str) -> bytes:
    """Return a `.mpy`, with native code if an architecture is named."""
    native = "@micropython.native\n" if architecture else ""
    source = f"import micropython\n{native}def f():\n    pass\n"
    return mpy.compile_source(source.encode(), "f.py", architecture)


@attack(
    check(
        "the architecture of native code",
        BUILD,
        "    return next(iter(found), mpy.PORTABLE)",
        "    return mpy.PORTABLE",
    )
)
def test_attack_52_native_code_for_boards_that_cannot_run_it() -> None:
    """On other chips it would be data that the processor runs."""
    portable = image_with({"lib/f.mpy": compiled("")})
    everywhere = artefact.class_id("greenhouse", portable.architecture)
    handed = Handed()
    handed.board.class_ids = (everywhere, artefact.class_id("greenhouse", "rv32imc"))
    assert handed.release(manifest(1, class_id=everywhere)) == 0
    native = image_with({"lib/f.mpy": compiled("xtensawin")})
    class_id = artefact.class_id("greenhouse", native.architecture)
    refused(lambda: handed.release(manifest(2, class_id=class_id)), refusals.REFUSED_CLASS)


@attack(
    check("one architecture in an image", BUILD, "    if len(found) > 1:", "    if False:"),
)
def test_attack_52_native_code_of_two_architectures() -> None:
    files = {f"lib/{name}.mpy": compiled(name) for name in ("xtensawin", "rv32imc")}
    for path, content in files.items():
        assert image_with({path: content}).architecture in path
    refused_by_cma(ExitCode.REFUSED, lambda: image_with(files))


@attack(
    check(
        "the battery",
        MANIFEST,
        "0 < board.battery_mv < manifest.battery_mv),",
        "False),",
    )
)
def test_attack_79_low_battery() -> None:
    handed = Handed()
    payload = manifest(battery_mv=3_600)
    for battery_mv in (3_600, 0):  # 0: the board has no reading
        handed.board.battery_mv = battery_mv
        assert handed.release(payload) == 0
    handed.board.battery_mv = 3_599
    refused(lambda: handed.release(payload), refusals.REFUSED_BATTERY)
