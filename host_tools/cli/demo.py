"""`cma demo`: the whole toolkit on boards you do not have.

Every step is a command that a person could type; the demo types it, shows it and counts what it
really did. It ends with those counts, and with an exit code other than 0 if any step failed.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import tomlkit

from cma_toolkit.boards.load import OUR_FOLDER
from cma_toolkit.host_tools.cli.common import examples, known_ports
from cma_toolkit.host_tools.cli.demo_watch import BoardWatch, watch_boards
from cma_toolkit.host_tools.errors import CmaError, ExitCode, usage
from cma_toolkit.host_tools.ports.discover import Port

# One board of each chip, in turn; the XIAO measures its battery.
BOARD_IDS = ["esp32-devkitc", "esp32-s3-devkitc-1", "xiao-esp32c3", "esp32-c6-devkitc-1"]
BOARDS_MAX = 64
OTA = "ota"
TALK_TIMEOUT_S = 60.0
LAST_LOOK_S = 5.0
CUT_AT_WRITE = 3
# One kind of board sleeps from window to window. A deep sleep pays from a gap on that outweighs
# the boot behind it: half a minute by the chip's own currents, and too long to look at. The demo's
# board definition has a regulator and an LED on top, as the boards on a desk have.
SLEEPER = "esp32-devkitc"
SLEEPER_LIGHT_SLEEP_UA = 8_000
WAKE_PERIOD_MS = 10_000
SLEEP_SETTING = """
[settings.wake_period_ms]
type = "int"
default = 0
help = "From one wake window to the next; 0: always awake"
"""
TORN_BYTES = 17

APPLICATION = Path(__file__).parents[2] / "firmware" / "examples" / "heartbeat.py"


@dataclass
class Tally:
    """What was really done; the last line of the demo is made from it."""

    boards: int
    flashed: int = 0
    provisioned: int = 0
    sent: int = 0
    received: int = 0
    lost: int = 0
    restored: int = 0
    power_cut: str = "power cut: not tried"
    failures: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """Return the sentence that sums the demo up."""
        return (
            f"flashed {self.flashed}/{self.boards}, provisioned {self.provisioned}/{self.boards}, "
            f"messages sent/received/lost {self.sent}/{self.received}/{self.lost}, "
            f"woken from deep sleep {self.restored} times, "
            f"{self.power_cut}."
        )


@click.command(
    epilog=examples(
        "cma demo",
        "cma demo --boards 32",
        "cma demo ota                 # two releases over the air, one of which crashes",
        'cma demo --ports "/dev/ttyUSB0 /dev/ttyUSB1"',
    )
)
@click.argument("show", type=click.Choice(["all", OTA]), default="all")
@click.option(
    "--boards",
    "count",
    type=click.IntRange(2, BOARDS_MAX),
    default=8,
    show_default=True,
    help="How many virtual boards.",
)
@click.option("--ports", default="", metavar='"PORT …"', help="Use these real boards instead.")
@click.option("--keep", is_flag=True, help="Leave the demo's folder and virtual boards behind.")
def command(show: str, count: int, ports: str, keep: bool) -> None:
    """Show it all on virtual boards: flash, provision, talk, sleep, lose power, recover.

    `cma demo ota` shows releases instead: sign, publish, roll out, go back from one that crashes.
    With --ports the same run uses real boards; whatever they hold is overwritten.
    """
    real = ports.split()
    if len(real) == 1:
        raise usage("One board has nobody to talk to: name two ports or more.")
    if real and show == OTA:
        raise usage("This demo takes power away, as only virtual boards allow: leave out --ports.")
    with _workplace(keep) as folder:
        stage = Stage(folder, real) if real else _virtual_stage(show, folder, count)
        stage.run()
        click.echo()
        click.echo(stage.sentence())
        if not real:
            click.echo("Virtual boards execute MicroPython, not ESP32 machine code.")
        click.echo("Next: cma new my-fleet")
        for failure in stage.tally.failures:
            click.echo(f"failed: {failure}", err=True)
    if stage.tally.failures:
        raise CmaError("the demo did not do all it set out to; see above.", ExitCode.SOME_FAILED)


def _virtual_stage(show: str, folder: Path, count: int) -> "VirtualStage":
    if show == OTA:
        from cma_toolkit.host_tools.cli.demo_ota import OtaStage

        return OtaStage(folder, count)
    return VirtualStage(folder, count)


@contextmanager
def _workplace(keep: bool) -> Iterator[Path]:
    # Short: the path of a unix socket may have 108 bytes.
    folder = Path(tempfile.mkdtemp(prefix="cma-demo-"))
    try:
        yield folder
    finally:
        if keep:
            click.echo(f"Kept: {folder}. Its boards: CMA_VIRTUAL_HOME={folder}/boards cma devices")
        else:
            shutil.rmtree(folder, ignore_errors=True)


class Stage:
    """The demo on boards that are there already."""

    def __init__(self, folder: Path, ports: Sequence[str]) -> None:
        self.folder = folder
        self.project = folder / "fleet"
        self.ports = list(ports)
        self.names = [f"demo-{number + 1:02d}" for number in range(len(ports))]
        self.sleepers: list[str] = []
        self.tally = Tally(len(ports))
        self.environment = {**os.environ, "PYTHONUNBUFFERED": "1"}

    def run(self) -> None:
        """Do every step; a step that fails is noted and ends the run."""
        for step in (
            self.prepare,
            self.build,
            self.show_tools,
            self.flash,
            self.provision,
            self.talk,
        ):
            step()
            if self.tally.failures:
                return

    def sentence(self) -> str:
        """Return the sentence that sums it up."""
        return self.tally.sentence()

    def prepare(self) -> None:
        """Make the fleet's project, with one inventory line per board."""
        self._type("cma", "new", self.project.name, cwd=self.folder)
        shutil.copy(APPLICATION, self.project / "app.py")
        with (self.project / "fleet.toml").open("a") as file:
            file.write(SLEEP_SETTING)
        rows = [
            f"{name},,,demo,{WAKE_PERIOD_MS if name in self.sleepers else ''}"
            for name in self.names
        ]
        (self.project / "inventory.csv").write_text(
            "\n".join(["name,board,mac,cluster,set.wake_period_ms", *rows, ""])
        )

    def build(self) -> None:
        """Make the image that every board runs: kernel and application."""
        self._type("cma", "build", cwd=self.project, shown=("",), stderr=None)

    def show_tools(self) -> None:
        """Let the plain tools look at the boards first."""
        self._type(
            "esptool", "--port", self.ports[0], "flash-id", shown=("Detected", "Chip", "MAC")
        )

    def flash(self) -> None:
        """Flash all boards at once."""
        options = [*self._port_options(), "--image", f"build/{self.project.name}.romfs", "--yes"]
        self.tally.flashed = self._type_with_bars("flash", *options)

    def provision(self) -> None:
        """Give all boards their names and settings."""
        options = [*self._port_options(), "--assign", "--yes"]
        self.tally.provisioned = self._type_with_bars("provision", *options)

    def talk(self) -> None:
        """Watch the boards until each has heard the others."""
        known = {port.url: port for port in known_ports()}
        ports = [
            known.get(url) or Port(url, name=name)
            for url, name in zip(self.ports, self.names, strict=True)
        ]
        with watch_boards(ports) as watch:
            self._await_talk(watch)
            self._await_sleep(watch)
            self.lose_power(watch)
            watch.until(lambda boards: False, LAST_LOOK_S)
            self._count(watch)

    def lose_power(self, watch: BoardWatch) -> None:
        """Leave the power of real boards to the person at the bench."""
        self.tally.power_cut = "power cut: not tried on real boards"

    def _await_talk(self, watch: BoardWatch) -> None:
        everyone = min(len(self.ports) - 1, 3)
        if not watch.until(
            lambda boards: all(
                board.neighbours >= everyone and board.received > 0 for board in boards
            ),
            TALK_TIMEOUT_S,
        ):
            silent = [board.label for board in watch.boards if not board.received]
            self.tally.failures.append(f"no message heard by {', '.join(silent) or 'some boards'}")

    def _await_sleep(self, watch: BoardWatch) -> None:
        sleepers = [board for board in watch.boards if board.label in self.sleepers]
        if not watch.until(lambda _: all(board.restored for board in sleepers), TALK_TIMEOUT_S):
            late = [board.label for board in sleepers if not board.restored]
            self.tally.failures.append(f"no deep sleep and wake seen of {', '.join(late)}")

    def _count(self, watch: BoardWatch) -> None:
        self.tally.restored = sum(board.restored for board in watch.boards)
        self.tally.sent = sum(board.total("sent") for board in watch.boards)
        self.tally.received = sum(board.total("received") for board in watch.boards)
        self.tally.lost = sum(board.total("lost") for board in watch.boards)

    def _port_options(self) -> list[str]:
        return [word for port in self.ports for word in ("-p", port)]

    def _type(
        self,
        *words: str,
        cwd: Path | None = None,
        shown: Sequence[str] = (),
        stderr: int | None = subprocess.PIPE,
        code: ExitCode = ExitCode.OK,
    ) -> str:
        """Type one command, show it and what it says; returns its output.

        `stderr` is None if what it says there is for the person, at once; `code` is how it should
        end.
        """
        click.echo(f"$ {shlex.join(words)}")
        done = subprocess.run(
            [*program(words[0]), *words[1:]],
            cwd=cwd or self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            check=False,
        )
        for line in done.stdout.splitlines():
            if shown and line.startswith(tuple(shown)):
                click.echo(f"  {line}")
        if done.returncode != code:
            self.tally.failures.append(
                f"{words[0]} {words[1]}: {(done.stderr or done.stdout)[-400:]}"
            )
        return done.stdout

    def _type_with_bars(self, verb: str, *words: str) -> int:
        """Type a command of ours, its bars on our terminal; returns how many boards passed."""
        click.echo(f"$ cma {verb} {shlex.join(words)}")
        quiet = [] if sys.stderr.isatty() else ["--quiet"]  # in a log the result is enough
        done = subprocess.run(
            [*program("cma"), verb, *words, *quiet],
            cwd=self.project,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        click.echo(done.stdout, nl=False)
        if done.returncode:
            self.tally.failures.append(f"cma {verb} ended with exit code {done.returncode}")
        return sum(1 for line in done.stdout.splitlines() if "PASS" in line.split())


class VirtualStage(Stage):
    """The demo on virtual boards of its own, with a power cut in mid-write."""

    def __init__(self, folder: Path, count: int) -> None:
        from cma_toolkit.sim.virtual_board.supervisor.client import Client

        super().__init__(folder, [f"virtual://demo-{number + 1:02d}" for number in range(count)])
        self.sleepers = [
            name
            for index, name in enumerate(self.names)
            if BOARD_IDS[index % len(BOARD_IDS)] == SLEEPER
        ]
        self._client = Client(folder / "boards")
        self.environment["CMA_VIRTUAL_HOME"] = str(folder / "boards")
        os.environ["CMA_VIRTUAL_HOME"] = str(folder / "boards")

    def run(self) -> None:
        """Do every step, and leave no process behind."""
        try:
            super().run()
        finally:
            self._client.shutdown()

    def prepare(self) -> None:
        """Plug in blank boards of four chips, then make the project and its own board file."""
        click.echo(f"{len(self.names)} virtual boards, blank, of {len(BOARD_IDS)} chips")
        for index, name in enumerate(self.names):
            self._client.create(name, BOARD_IDS[index % len(BOARD_IDS)])
        super().prepare()
        text = (OUR_FOLDER / f"{SLEEPER}.toml").read_text("utf-8")
        definition = tomlkit.parse(text)
        definition["currents"]["light_sleep"] = {
            "current_ua": SLEEPER_LIGHT_SLEEP_UA,
            "source": "made up for a demo: a regulator and an LED",
        }
        mine = self.project / "boards" / f"{SLEEPER}.toml"
        mine.write_text(tomlkit.dumps(definition), "utf-8")

    def show_tools(self) -> None:
        """Let the plain, unmodified tools look at the boards first."""
        url = self._client.info(self.names[0]).url
        self._type("esptool", "--port", url, "flash-id", shown=("Detected", "Chip", "MAC"))

    def flash(self) -> None:
        """Flash all boards at once, then read one by mpremote and one by ampy."""
        super().flash()
        if self.tally.failures:
            return
        one, other = self._client.info(self.names[0]), self._client.info(self.names[1])
        greet = "import sys; print(sys.implementation._machine)"
        self._type("mpremote", "connect", one.url, "exec", greet, shown=("",))
        self._type("ampy", "--port", other.pty, "ls", shown=("",))

    def lose_power(self, watch: BoardWatch) -> None:
        """Take one board's power in the middle of a flash write, give it back, see it return."""
        victim = watch.boards[-1]
        boots = victim.boots
        self._client.cut_power(victim.label, CUT_AT_WRITE, TORN_BYTES)
        self._client.wait_for(victim.label, "no-power", TALK_TIMEOUT_S)
        victim.note = "power lost"
        self._client.restore_power(victim.label)
        if watch.until(lambda boards: victim.boots > boots, TALK_TIMEOUT_S):
            victim.note = "recovered"
            self.tally.power_cut = f"power cut at write {CUT_AT_WRITE}: recovered"
        else:
            self.tally.power_cut = f"power cut at write {CUT_AT_WRITE}: NOT recovered"
            self.tally.failures.append(f"{victim.label} did not come back after the power cut")


def program(name: str) -> list[str]:
    """Return how a tool of this environment is started, whatever PATH says."""
    modules = {"cma": "cma_toolkit.host_tools.cli.main", "ampy": "ampy.cli"}
    return [sys.executable, "-m", modules.get(name, name)]
