"""`cma build`: an application and the kernel as one image, the same bytes every time."""

import json
from collections.abc import Callable
from pathlib import Path
from symtable import symtable

import click

from cma_toolkit.host_tools.cli.common import examples
from cma_toolkit.host_tools.cli.progress import Output
from cma_toolkit.host_tools.errors import refused, usage
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.build import APPLICATION, SLOT_BYTES, Image
from cma_toolkit.host_tools.image.errors import ImageError, SourceError

FOLDER = "build"
SUFFIX = ".romfs"
MAKING = "cma: making the firmware small; this is done once for each version (about 10 s)."

_PRINTED_AS = {"json": "json", "table": "table", "text": "table"}


@click.command(
    epilog=examples(
        "cma build                           # your project",
        "cma build examples/light.py -o light.romfs",
        "cma build --chip esp32c3            # native code: for one kind of chip",
        "cma flash --image build/greenhouse.romfs",
    )
)
@click.argument("app", default=".", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the image goes; default: build/NAME.romfs of the project.",
)
@click.option(
    "--chip",
    "chips",
    multiple=True,
    metavar="CHIP",
    help="For this chip and its family, such as esp32c3. May be given several times.",
)
@click.option(
    "--plain", is_flag=True, help="Leave our own code as it is written: larger, to look into it."
)
@click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For a person, or one JSON object per image.",
)
def command(
    app: Path, *, out: Path | None, chips: tuple[str, ...], plain: bool, output: Output
) -> int:
    """Compile APP, its drivers/ and lib/ and the kernel into one image that boards run from flash.

    APP is a file or a project's folder. The same sources give the same bytes. One image serves
    every chip; where native or viper code is used, there is one per family of chips, whose name
    goes into the file's name. An image of an earlier build beside it that this one stands in for
    is removed, but none that -o names.
    """
    app = app / APPLICATION if app.is_dir() else app
    _check_out(out)
    images = build_images(app, tuple(dict.fromkeys(map(_family, chips))), plain=plain)
    default = app.parent / FOLDER / (name_of(app) + SUFFIX)
    paths = [
        out if out and len(images) == 1 else path_for(out or default, image.architecture)
        for image in images
    ]
    for image, path in zip(images, paths, strict=True):
        _save(path, image.data)
    if not out:
        is_one_of_several = bool(chips and images[0].architecture)
        families = () if is_one_of_several else tuple(mpy.FAMILIES)
        _remove({path_for(default, each) for each in (mpy.PORTABLE, *families)} - {*paths})
    for image, path in zip(images, paths, strict=True):
        if output == "json":
            click.echo(json.dumps(_fields(image, path)))
        else:
            _print(image, path)
    return 0


def path_for(path: Path, architecture: str) -> Path:
    """Return where the image for a family of chips lies, if `path` is that for all."""
    return path.with_name(f"{path.stem}-{architecture}{path.suffix}") if architecture else path


def build_images(app: Path, families: tuple[str, ...] = (), *, plain: bool = False) -> list[Image]:
    """Build an application for every chip: one image, or one per family if its code is native.

    `families` are those that are wanted, none means all.

    Raises: CmaError, ImageError (the application's author).
    """
    make = image_maker(app, plain=plain)
    try:
        image = make(mpy.PORTABLE)
    except mpy.NativeCodeError:
        return [make(family) for family in families or mpy.FAMILIES]
    others = [family for family in families if image.architecture not in (mpy.PORTABLE, family)]
    if others:
        raise refused(
            f"The application has compiled code for {image.architecture}, not for {others[0]}: "
            "put its .py there instead, or name another --chip."
        )
    return [image]


def image_maker(app: Path, *, plain: bool = False) -> Callable[[str], Image]:
    """Return what builds an application, as it is now, for an architecture.

    Raises: CmaError 2 if there is no application, or one without `setup`.
    """
    from cma_toolkit.host_tools.flash.contents import build_image
    from cma_toolkit.host_tools.project.application import application_files

    paths = application_files(app)
    files, name = {target: path.read_bytes() for target, path in paths.items()}, name_of(app)
    _check_setup(app, files[APPLICATION])

    def make(architecture: str) -> Image:
        try:
            return build_image(files, name, architecture, plain=plain, on_making=tell_making)
        except SourceError as error:
            if error.path not in paths:
                raise
            # On a board it is app.py, whatever its author calls it.
            raise SourceError(_shown(paths[error.path]), error.fault) from error

    return make


def tell_making() -> None:
    """Say, before it begins, why the first image of an installation takes long."""
    click.echo(MAKING, err=True)


def name_of(app: Path) -> str:
    """Return the name of an application: its fleet's, else its file's."""
    from cma_toolkit.host_tools.fleet.fleet_file import FLEET_FILE, load_fleet

    if app.name == APPLICATION and (app.parent / FLEET_FILE).is_file():
        return load_fleet(app.parent / FLEET_FILE).name
    return app.stem


def _check_out(out: Path | None) -> None:
    """Refuse -o as other commands have it: there it says how to print, here it names a file."""
    if out and str(out) in _PRINTED_AS:
        raise usage(
            f"-o names the image's file: to choose what is printed, give --output "
            f"{_PRINTED_AS[str(out)]}."
        )


def _check_setup(app: Path, source: bytes) -> None:
    """Refuse what would be flashed and never be an agent.

    What does not compile is told later, with its line, by the compiler of the boards.
    """
    if b"import *" in source:
        return
    try:
        symtable(source.decode(), app.name, "exec").lookup("setup")
    except KeyError:
        raise usage(f"{_shown(app)} has no function setup(agent); add one.") from None
    except (SyntaxError, ValueError):
        return


def _shown(path: Path) -> str:
    """Return a path as a person in this folder would give it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _family(chip: str) -> str:
    try:
        return mpy.family_of(chip)
    except ImageError as error:
        raise usage(str(error)) from error


def _remove(stale: set[Path]) -> None:
    for path in stale:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise usage(
                f"{path} is of an earlier build and cannot be removed ({error.strerror})."
            ) from error


def _save(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_bytes(data)
        fresh.replace(path)  # whole, or as it was
    except OSError as error:
        raise usage(
            f"{path} cannot be written ({error.strerror}). Name another place with -o."
        ) from error


def _fields(image: Image, path: Path) -> dict[str, object]:
    return {
        "file": str(path),
        "name": image.name,
        "sources": image.sources,
        "sha256": image.sha256,
        "bytes": len(image.data),
        "slot_bytes": SLOT_BYTES,
        "left_bytes": image.left_bytes,
        "parts": dict(image.sizes),
        "architecture": image.architecture,
        "chips": list(image.chips),
    }


def _print(image: Image, path: Path) -> None:
    click.echo(f"{path}: {image.name} {image.sources}, for {' '.join(image.chips)}")
    rows = {part: size for part, size in image.sizes.items() if size}
    rows["whole image"] = len(image.data)
    for part, size in rows.items():
        click.echo(f"  {part.ljust(12)}{size:>8}")
    click.echo(f"  {'left of slot'.ljust(12)}{image.left_bytes:>8}  of {SLOT_BYTES}")
    click.echo(f"  sha256 {image.sha256}")
