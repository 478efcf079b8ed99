"""`cma release`: signed releases, and the keys and documents behind them."""

from pathlib import Path
from typing import Any

import click

from cma_toolkit.firmware.kernel.release.manifest import NUMBER_MAX
from cma_toolkit.host_tools.cli import release_options as options
from cma_toolkit.host_tools.cli import release_show as show
from cma_toolkit.host_tools.cli.common import Commands, examples
from cma_toolkit.host_tools.cli.progress import Output
from cma_toolkit.host_tools.cli.release_serve import serve
from cma_toolkit.host_tools.errors import disk_error, refused, usage
from cma_toolkit.host_tools.release.artefact import Release
from cma_toolkit.host_tools.release.procedures import ROOT_DAYS, Office
from cma_toolkit.host_tools.release.repository import FOLDER

KEYS_FOLDER = "keys"
ROLE_NAMES = ("root", "release", "timestamp")
SIGNATURES_AWAY = 128


class Files(Commands):
    """Commands whose files a person may have put out of reach."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a file that cannot be used is a sentence."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if disk_error(error):
                raise
            raise usage(
                f"{error.filename} cannot be used ({error.strerror}): make it yours, or move it "
                "away."
            ) from error


@click.group(
    cls=Files,
    epilog=examples(
        "cma release init                      # once for a fleet: its keys",
        "cma release create                    # build/NAME-1.release",
        "cma release sign build/greenhouse-1.release",
        "cma release publish build/greenhouse-1.release",
    ),
)
def command() -> None:
    """Make releases that boards can tell from anybody else's.

    Keys are in keys/, which stays with you; what boards may read is in release/.
    """


command.add_command(serve)


@command.command(epilog=examples("cma release init", "cma release init --root 2/3 --release 2/2"))
@click.option(
    "--root",
    default="1/1",
    show_default=True,
    metavar="K/N",
    help="How many of how many keys sign a new root.",
)
@click.option(
    "--release", default="1/1", show_default=True, metavar="K/N", help="And for a release."
)
@click.option(
    "--timestamp", default="1/1", show_default=True, metavar="K/N", help="And for what is current."
)
@click.option(
    "--days",
    type=click.IntRange(1, 36_500),
    default=ROOT_DAYS,
    show_default=True,
    help="How long the keys are believed.",
)
def init(root: str, release: str, timestamp: str, days: int) -> None:
    """Make the keys of a fleet, and the document that names them.

    The document, release/root.1.cbor, goes onto each board once, by hand. Keys of which several
    must sign belong on computers of their own: take them there with cma release backup.
    """
    counts = {
        name: options.counts(name, text)
        for name, text in zip(ROLE_NAMES, (root, release, timestamp), strict=True)
    }
    office = _office()
    names = office.begin(counts, days)
    click.echo(f"{office.keys.folder}: the keys {', '.join(names)}. Keep them to yourself.")
    click.echo(f"{office.repository.root_path(1)}: what boards are to trust.")


@command.command(
    epilog=examples(
        "cma release create",
        "cma release create --sequence 7 --min-battery 3600 --after 5",
        "cma release create --micropython 1.29.0     # for boards with two places for it",
    )
)
@click.argument("app", default=".", type=click.Path(path_type=Path))
@click.option(
    "--sequence",
    type=click.IntRange(1, NUMBER_MAX),
    metavar="N",
    help="The release's number; default: the next.",
)
@click.option(
    "--security-counter",
    type=click.IntRange(0, NUMBER_MAX),
    default=0,
    metavar="N",
    help="Boards go back to none with a lower one, ever.",
)
@click.option(
    "--min-battery",
    "battery_mv",
    type=click.IntRange(0, NUMBER_MAX),
    default=0,
    metavar="MV",
    help="What a battery must have to install it.",
)
@click.option(
    "--after",
    type=click.IntRange(0, NUMBER_MAX),
    default=0,
    metavar="N",
    help="The least release that must run before.",
)
@click.option(
    "--micropython",
    "runtimes",
    multiple=True,
    metavar="FILE|VERSION",
    help="What boards with two places for MicroPython run before; default: as the release before "
    "has it. May be given several times.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Default: build/NAME-N.release of the project.",
)
@options.output
def create(
    app: Path,
    *,
    sequence: int | None,
    security_counter: int,
    battery_mv: int,
    after: int,
    runtimes: tuple[str, ...],
    out: Path | None,
    output: Output,
) -> None:
    """Build APP and put its images into a release that nobody signed yet.

    The same sources and numbers give the same bytes.
    """
    from cma_toolkit.host_tools.cli import build
    from cma_toolkit.host_tools.cli.release_micropython import runtimes_for
    from cma_toolkit.host_tools.fleet.project import find_folder
    from cma_toolkit.host_tools.image import mpy
    from cma_toolkit.host_tools.image.build import APPLICATION
    from cma_toolkit.host_tools.release import artefact, room
    from cma_toolkit.host_tools.release.disclosed import refuse_secrets

    app = app / APPLICATION if app.is_dir() else app
    name, images = build.name_of(app), build.build_images(app)
    office = _office()
    refuse_secrets(images, _secrets(office))
    last = next(reversed(office.repository.published()), None)
    if sequence is None:
        sequence = last.sequence + 1 if last else 1
    numbers = artefact.Numbers(sequence, security_counter, battery_mv, after)
    needed = runtimes_for(runtimes, numbers, find_folder(Path.cwd()), last)
    made = artefact.make(name, images, mpy.compiler()[1], numbers, needed)
    if office.repository.roots():
        room.check_release(office.repository.newest_root(), made)
    path = out or app.parent / build.FOLDER / f"{name}-{sequence}{artefact.SUFFIX}"
    _save(path, made.to_bytes())
    show.release(made, path, None, output)


@command.command(
    epilog=examples(
        "cma release sign build/greenhouse-1.release",
        "cma release sign build/greenhouse-1.release --ed25519 ~/.ssh/id_ed25519",
    )
)
@options.file
@options.ed25519("A private key that signs the release instead, for people and servers to verify.")
def sign(file: Path, ed25519: Path | None) -> None:
    """Add the signatures of the keys that are here to a release, or to a new root."""
    office = _office()
    if ed25519:
        from cma_toolkit.host_tools.release import second

        key, made = second.load_private(office.repository.read(ed25519), ed25519), _read(file)
        made = made.with_second(*second.sign(key, bytes.fromhex(made.digest)))
        _save(file, made.to_bytes())
        click.echo(f"{file}: signed by the Ed25519 key {second.key_id(made.seconds[-1][0])}.")
        return
    if file.suffix == ".cbor":
        if file.resolve() != office.repository.newest_root_path().resolve():
            raise usage(f"{file} is not the newest root of {office.repository.folder}: name that.")
        signed = office.sign_root()
    else:
        release, signed = office.sign_release(_read(file))
        _save(file, release.to_bytes())
    click.echo(f"{file}: signed by {show.how_far(signed)}")


@command.command(
    epilog=examples(
        "cma release inspect build/greenhouse-1.release --output json",
        "cma release inspect build/greenhouse-1.release --ed25519 anna.pub",
    )
)
@options.file
@options.output
@options.ed25519("A public key that must have signed it, too; else it is refused.")
def inspect(file: Path, output: Output, ed25519: Path | None) -> None:
    """Say what a release is, who signed it, and what boards would do with it."""
    office, made = _office(), _read(file)
    if ed25519:
        from cma_toolkit.host_tools.release import second

        public = second.load_public(office.repository.read(ed25519), ed25519)
        if not made.is_second(public):
            raise refused(f"{file} is not signed by {ed25519}: ask its owner for a signature.")
    trust = office.repository.trust() if office.repository.roots() else None
    show.release(made, file, trust, output)


@command.command(epilog=examples("cma release publish build/greenhouse-1.release"))
@options.file
@options.days
def publish(file: Path, days: int) -> None:
    """Make a release the current one, as boards see it; refuse what boards would refuse."""
    from cma_toolkit.host_tools.fleet.project import STATE_FOLDER
    from cma_toolkit.host_tools.rollout.store import refuse_other

    office, made = _office(), _read(file)
    refuse_other(office.keys.folder.parent / STATE_FOLDER / "fleet.db", made)
    path = office.publish(made, days)
    click.echo(f"{path}: current for {days} days; cma release refresh says so again.")


@command.command(epilog=examples("cma release refresh --days 90"))
@options.days
def refresh(days: int) -> None:
    """Say again that the published release is current, before boards stop to believe it."""
    release = _office().refresh(days)
    click.echo(f"{release.name} {release.sequence} is current for {days} days from now.")


@command.command(epilog=examples("cma release rotate release release"))
@click.argument("role", type=click.Choice(ROLE_NAMES))
@click.argument("key")
@click.option(
    "--days",
    type=click.IntRange(1, 36_500),
    default=ROOT_DAYS,
    show_default=True,
    help="How long the keys are believed.",
)
def rotate(role: str, key: str, days: int) -> None:
    """Put a new key in the place of KEY, which is lost, stolen or used up: its name or its id."""
    office = _office()
    before = office.keys.names()
    name, signed = office.rotate(ROLE_NAMES.index(role), _public(office, key), days)
    path = office.repository.newest_root_path()
    click.echo(f"{office.keys.folder}: the key {name} is {role} in the place of {key}.")
    if name in before:
        click.echo(f"An earlier rotate made {name}: if a thief may have that, too, rotate again.")
    click.echo(f"{path}: signed by {show.how_far(signed)}")
    if role == "release":
        click.echo("Create, sign and publish a release now: what was current is void.")
    if role == "timestamp":
        click.echo("Say again what is current, with the new key: cma release refresh")


@command.command(epilog=examples("cma release keys --output json"))
@options.output
def keys(output: Output) -> None:
    """List the keys of each role, and how many signatures those here have left."""
    office = _office()
    show.keys(office, office.repository.newest_root(), output)


@command.command(epilog=examples("cma release backup release /media/stick/release.backup"))
@click.argument("key")
@options.file
@click.option(
    "--signatures",
    type=click.IntRange(min=1),
    default=SIGNATURES_AWAY,
    show_default=True,
    help="How many of the key's signatures go with it, for good.",
)
def backup(key: str, file: Path, signatures: int) -> None:
    """Write a key to FILE, with signatures of its own that it then has no more here."""
    count = _office().keys.backup(key, signatures, file)
    click.echo(
        f"{file}: the key {key} with {count} signatures. Who has it can sign. Never copy this "
        "file: two that are put back sign with the same leaves, which gives the key away."
    )


@command.command(epilog=examples("cma release restore /media/stick/release.backup"))
@options.file
def restore(file: Path) -> None:
    """Put a key back from its backup, which is used up by it."""
    name, left = _office().keys.restore(file)
    click.echo(f"The key {name} is here, with {left} signatures left.")


def _office() -> Office:
    """Return the keys and documents of the project here, else of this folder."""
    from platformdirs import user_state_path

    from cma_toolkit.host_tools.fleet.project import find_folder
    from cma_toolkit.host_tools.release.key_folder import KeyFolder
    from cma_toolkit.host_tools.release.repository import Repository

    here = Path.cwd()
    folder = find_folder(here) or here
    folder = folder.relative_to(here) if folder.is_relative_to(here) else folder
    marks = user_state_path("cma", appauthor=False) / "leaves"
    return Office(KeyFolder(folder / KEYS_FOLDER, marks), Repository(folder / FOLDER))


def _secrets(office: Office) -> dict[str, bytes]:
    """Return what this project keeps to itself, by what a person calls it."""
    from cma_toolkit.host_tools.fleet.secrets_file import SECRETS_FILE, load_secrets

    passwords = load_secrets(office.keys.folder.parent / SECRETS_FILE)
    return {
        **{f"the secret of the key {name}": seed for name, seed in office.keys.seeds().items()},
        **{
            f'the password of the network "{ssid}"': password.reveal().encode()
            for ssid, password in passwords.items()
            if password.reveal()
        },
    }


def _read(path: Path) -> Release:
    from cma_toolkit.host_tools.release import artefact

    return artefact.read(_office().repository.read(path), str(path))


def _save(path: Path, data: bytes) -> None:
    from cma_toolkit.host_tools.release.disk import ANYBODY_READS, Disk, replace

    replace(Disk(), path, data, ANYBODY_READS)


def _public(office: Office, key: str) -> bytes:
    """Return the public key that a person names."""
    from cma_toolkit.host_tools.release.documents import key_id

    if key in office.keys.names():
        return office.keys.public(key)
    root = office.repository.newest_root()
    for public in {public for _, held in root.roles for public in held}:
        if key_id(public).hex() == key:
            return public
    raise usage(f"There is no key {key}: name one of cma release keys, by its name or its id.")
