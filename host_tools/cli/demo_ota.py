"""`cma demo ota`: releases over the air, on boards you do not have.

Two releases are signed, published and rolled out. While boards fetch the first, one of them loses
its power in mid-write. The second crashes: the canary goes back to what it had, and the roll-out
halts. Every step is a command that a person could type.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from cma_toolkit.host_tools.cli.demo import (
    APPLICATION,
    BOARD_IDS,
    TORN_BYTES,
    VirtualStage,
    program,
)
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.sim.virtual_board.runtime.run_config import WIFI

CLUSTER = "demo"
TRIAL_MS = 2_000  # awake, it counts as a wake that ended in order
WITHIN_S = 300.0
LOOK_S = 2.0
CUT_AT_WRITE = 20  # of those after a board has begun to update
BAD = "\n\n_heartbeat = setup\n\n\ndef setup(agent):\n    raise SystemExit('a bad release')\n"
NETWORK = '[clusters.{cluster}]\nwifi = ["{wifi}"]\nsettings = {{ "trial_ms" = {trial_ms} }}\n'
SETTING = """
[settings.trial_ms]
type = "int"
default = 60_000
help = "How long an agent on trial that does not sleep runs for what counts as a wake"
"""


class OtaStage(VirtualStage):
    """The demo of releases: a good one with a power cut, a bad one with a halt."""

    def __init__(self, folder: Path, count: int) -> None:
        super().__init__(folder, count)
        self.sleepers = []
        self.rows: list[tuple[str, str]] = []

    def run(self) -> None:
        """Do every step, and leave no process behind."""
        steps = (
            self.prepare,
            self.make_keys,
            self.flash_all,
            self.provision,
            lambda: self.roll_out(1, is_good=True),
            lambda: self.roll_out(2, is_good=False),
        )
        try:
            for step in steps:
                step()
                if self.tally.failures:
                    return
        finally:
            self._client.shutdown()

    def prepare(self) -> None:
        """Plug in blank boards, and make a project whose boards have Wi-Fi."""
        click.echo(f"{len(self.names)} virtual boards, blank, of {len(BOARD_IDS)} chips")
        for index, name in enumerate(self.names):
            self._client.create(name, BOARD_IDS[index % len(BOARD_IDS)])
        self._type("cma", "new", self.project.name, cwd=self.folder)
        shutil.copy(APPLICATION, self.project / "app.py")
        ((wifi, password),) = WIFI.items()
        with (self.project / "fleet.toml").open("a") as file:
            file.write(SETTING + NETWORK.format(cluster=CLUSTER, wifi=wifi, trial_ms=TRIAL_MS))
        (self.project / "secrets.toml").write_text(f'[wifi]\n"{wifi}" = "{password}"\n')
        rows = [f"{name},,,{CLUSTER},{wifi}" for name in self.names]
        (self.project / "inventory.csv").write_text(
            "\n".join(["name,board,mac,cluster,wifi", *rows, ""])
        )

    def make_keys(self) -> None:
        """Make the keys first: boards get to know them with the cable."""
        self._type("cma", "release", "init", cwd=self.project, shown=("",))

    def flash_all(self) -> None:
        """Flash all boards at once."""
        self.tally.flashed = self._type_with_bars("flash", *self._port_options(), "--yes")

    def roll_out(self, number: int, *, is_good: bool) -> None:
        """Make, sign and publish a release, and bring it to the boards."""
        source = APPLICATION.read_text() + f"\n\nRELEASE = {number}\n"
        (self.project / "app.py").write_text(source if is_good else source + BAD)
        path = f"build/{self.project.name}-{number}.release"
        for words in (("create",), ("sign", path), ("publish", path)):
            self._type("cma", "release", *words, cwd=self.project, shown=(path, "release/"))
        terms = ("--canary", "1", "--waves", "50,100", "--soak", "0")
        self._type("cma", "rollout", "start", *terms, cwd=self.project, shown=("",))
        if self.tally.failures:
            return
        with self._serving():
            if is_good:
                self.lose_power_in_mid_write()
            self._await("done" if is_good else "halted", number)
        code = ExitCode.OK if is_good else ExitCode.SOME_FAILED
        told = ("cma", "rollout", "status", "--steps")
        self._type(*told, cwd=self.project, shown=("",), code=code)

    def lose_power_in_mid_write(self) -> None:
        """Take the power of the first board that fetches, and give it back."""
        victim = self._first_to_update()
        if victim is None:
            self.tally.failures.append("no board began to update")
            return
        self._client.cut_power(victim, CUT_AT_WRITE, TORN_BYTES)
        self._client.wait_for(victim, "no-power", WITHIN_S)
        click.echo(f"  {victim} lost its power in flash write {CUT_AT_WRITE} of its update")
        self._client.restore_power(victim)
        self.rows.append((victim, "lost its power in mid-write, and went on where it was"))

    def sentence(self) -> str:
        """Return the sentence that sums it up."""
        told = "; ".join(f"{who} {what}" for who, what in self.rows)
        return (
            f"flashed {self.tally.flashed}/{self.tally.boards}, provisioned "
            f"{self.tally.provisioned}/{self.tally.boards}. {told}."
        )

    def _first_to_update(self) -> str | None:
        until_s = time.monotonic() + WITHIN_S
        while time.monotonic() < until_s:
            for name in self.names:
                if b'"updating"' in (self.folder / "boards" / name / "console.log").read_bytes():
                    return name
            time.sleep(0.05)
        return None

    def _await(self, state: str, number: int) -> None:
        until_s = time.monotonic() + WITHIN_S
        told: Mapping[str, Any] = {}
        while time.monotonic() < until_s:
            told = self._status()
            if told.get("state") == state:
                break
            time.sleep(LOOK_S)
        stages = [str(board["stage"]) for board in told.get("boards", ())]
        if told.get("state") != state:
            self.tally.failures.append(f"release {number} is {told.get('state')}: {stages}")
        has_it = f"{stages.count('updated')}/{len(stages)} boards have it"
        self.rows.append((f"release {number}", f"{told.get('state')}, {has_it}"))

    def _status(self) -> Mapping[str, Any]:
        words = [*program("cma"), "rollout", "status", "-o", "json"]
        done = subprocess.run(
            words,
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        found: Mapping[str, Any] = json.loads(done.stdout) if done.stdout else {}
        return found

    @contextmanager
    def _serving(self) -> Iterator[None]:
        words = ["cma", "release", "serve"]
        click.echo(f"$ {' '.join(words)} &")
        server = subprocess.Popen(
            [*program("cma"), *words[1:]], cwd=self.project, env=self.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield
        finally:
            server.terminate()
            server.wait()
