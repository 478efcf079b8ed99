"""`cma provision --station`: flash, test, name and label board after board."""

import json
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from cma_toolkit.host_tools.cli.agent_image import AgentImages
from cma_toolkit.host_tools.cli.common import BoardOptions, fleet_finder, known_ports
from cma_toolkit.host_tools.cli.flash import ImageSource, flash_ports
from cma_toolkit.host_tools.cli.progress import run_with_progress
from cma_toolkit.host_tools.errors import CmaError, ExitCode, usage
from cma_toolkit.host_tools.flash.flash_job import FlashOptions
from cma_toolkit.host_tools.fleet.database import Result
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.select import select
from cma_toolkit.host_tools.ports.workers import Job, Outcome
from cma_toolkit.host_tools.provision.label import label_lines, label_svg
from cma_toolkit.host_tools.provision.procedure import Decision, Procedure
from cma_toolkit.host_tools.provision.station import Station

LABELS = "labels"
POLL_S = 0.5
PRINTER_S = 30


def run_station(
    procedure: Procedure, images: AgentImages, options: BoardOptions, *, yes: bool
) -> int:
    """Serve the line until every name has its board, or Ctrl-C.

    Raises: CmaError 2 for an empty inventory.
    """
    names = [row.name for row in procedure.project.rows]
    if not names:
        raise usage("The inventory has no boards. Write a line for each of them.")
    claims = [board for board in procedure.database.boards() if board.name]
    station = Station(
        names,
        [board.name for board in claims if board.claim == "done"],
        [(board.name, board.mac) for board in claims if board.claim == "started"],
    )
    with tempfile.TemporaryDirectory(prefix="cma-station-") as folder:
        source = ImageSource(Path(folder))
        source.agent = images
        line = Line(procedure, options, station, source, yes=yes)
        return line.serve()


@dataclass
class Item:
    """One board on its way along the line."""

    port: Port
    board_id: str = ""
    chip: str = ""
    mac: str = ""
    error: str = ""
    name: str = ""
    labelled: bool = False


class Line:
    """Carry the station's effects out."""

    def __init__(
        self,
        procedure: Procedure,
        options: BoardOptions,
        station: Station,
        source: ImageSource,
        *,
        yes: bool,
    ) -> None:
        self._procedure = procedure
        # Bars of four steps per board would drown the lines that count.
        self._options = replace(options, quiet=options.quiet or not options.verbose)
        self._station = station
        self._source = source
        self._defaults = source.known.default_boards
        self._yes = yes
        self._ports: dict[str, Port] = {}
        self._finished = False

    def serve(self) -> int:
        """Look for new boards until all names are given."""
        self._station.start(self)
        while not self._finished:
            self._ports = {port.label: port for port in self._present()}
            self._station.on_ports(list(self._ports), self)
            if not self._finished:
                time.sleep(POLL_S)
        return ExitCode.OK

    def say(self, line: str) -> None:
        """Write a line for the person at the bench."""
        as_json = self._options.output == "json"
        click.echo(json.dumps({"event": "station", "text": line}) if as_json else line)

    def finish(self) -> None:
        """Leave the loop."""
        self._finished = True

    def work(self, ports: Sequence[str]) -> None:
        """Take the boards at these ports through every step, together."""
        began_s = time.monotonic()
        items = [Item(self._ports[label]) for label in ports]
        for item in items:
            self.say(f"{item.port.label}: a board; flashing, testing, provisioning")
        self._flash(items)
        self._test(items)
        decisions = self._decide(items)
        self._write(items, decisions)
        for item in items:
            self._end(item, decisions.get(item.port), time.monotonic() - began_s)

    def _present(self) -> list[Port]:
        ports = known_ports()
        if not (self._options.selector.ports or self._options.selector.devices):
            return ports
        try:
            return select(self._options.selector, ports, os.environ, fleet_finder(), several=True)
        except CmaError as error:
            if error.code is not ExitCode.NO_DEVICE:
                raise
            return []

    def _flash(self, items: list[Item]) -> None:
        # A blank board takes the kind that the next free line of its chip asks for.
        wanted = {**self._defaults, **self._procedure.ledger().next_boards()}
        self._source.known = replace(self._source.known, default_boards=wanted)
        flash_options = FlashOptions(yes=self._yes, wait_s=self._options.wait_s)
        outcomes = flash_ports(
            [item.port for item in items], flash_options, self._source, self._options
        )
        for item, outcome in zip(items, outcomes, strict=True):
            if self._passed(item, outcome):
                item.board_id = str(outcome.value["board"])
                item.chip = str(outcome.value["chip"])
                item.mac = str(outcome.value["mac"])
                self._procedure.database.saw(item.mac, port=item.port.url, chip=item.chip)

    def _test(self, items: list[Item]) -> None:
        going: list[Item] = []
        jobs: list[Job] = []
        for item in items:
            if item.error or self._is_done(item):
                continue
            try:
                jobs.append(
                    self._procedure.self_test_job(item.port, item.board_id, self._options.wait_s)
                )
            except CmaError as error:
                item.error = error.message
                continue
            going.append(item)
        for item, outcome in zip(going, self._run(jobs, "Testing"), strict=True):
            self._passed(item, outcome)

    def _decide(self, items: list[Item]) -> dict[Port, Decision]:
        going = [item for item in items if not item.error and not item.name]
        ports = [item.port for item in going]
        read = self._run(self._procedure.read_jobs(ports, self._options.wait_s), "Reading")
        decisions = self._procedure.decide(
            ports,
            read,
            assign=True,
            yes=self._yes,
            flashed_as={item.mac: item.board_id for item in going},
        )
        for item, decision in zip(going, decisions, strict=True):
            if decision.error:
                item.error = decision.error.message
        return dict(zip(ports, decisions, strict=True))

    def _write(self, items: list[Item], decisions: dict[Port, Decision]) -> None:
        going: list[Item] = []
        for item in items:
            decision = decisions.get(item.port)
            if item.error or not decision:
                continue
            try:
                self._procedure.claim(decision)
            except CmaError as error:
                item.error = error.message
                continue
            going.append(item)
        self._certify([item for item in going if decisions[item.port].step], decisions)
        going = [item for item in going if not item.error]
        wait_s = self._options.wait_s
        jobs = [self._procedure.apply_job(decisions[item.port], wait_s) for item in going]
        for item, outcome in zip(going, self._run(jobs, "Provisioning"), strict=True):
            if self._passed(item, outcome):
                item.labelled = self._label(decisions[item.port])
                self._procedure.finish(decisions[item.port])

    def _certify(self, items: list[Item], decisions: dict[Port, Decision]) -> None:
        wait_s = self._options.wait_s
        jobs = [self._procedure.keys_job(decisions[item.port], wait_s) for item in items]
        for item, outcome in zip(items, self._run(jobs, "Making keys"), strict=True):
            self._passed(item, self._procedure.certify(decisions[item.port], outcome))

    def _end(self, item: Item, decision: Decision | None, took_s: float) -> None:
        label = item.port.label
        name = decision.bound.row.name if decision and decision.bound else item.name
        if item.name:
            self._station.on_known(label, item.name, self)
        elif item.error:
            self._station.on_failed(label, name, item.error, self)
        else:
            self._station.on_passed(label, name, item.chip, took_s, self, labelled=item.labelled)
        if item.mac:
            code = ExitCode.VERIFY_FAILED if item.error else ExitCode.OK
            self._procedure.database.record(
                Result("", item.mac, name, "station", code, item.error, round(took_s, 2))
            )

    def _is_done(self, item: Item) -> bool:
        record = self._procedure.database.by_mac(item.mac)
        if record and record.claim == "done" and self._procedure.project.row(record.name):
            item.name = record.name
        return bool(item.name)

    def _label(self, decision: Decision) -> bool:
        """Save a board's label and print it; returns whether it is saved."""
        assert decision.bound and decision.actual and decision.desired
        row, project = decision.bound.row, self._procedure.project
        mac = decision.actual.mac
        fields = {
            "name": row.name,
            "mac": mac,
            "board": decision.desired.board_id,
            "chip": decision.desired.chip,
            "cluster": row.cluster,
            "fleet": project.fleet.name,
            "labels": " ".join(row.labels),
        }
        label = label_svg(label_lines(project.fleet.station.label, fields), mac)
        file = project.folder / LABELS / f"{row.name}.svg"
        try:
            file.parent.mkdir(exist_ok=True)
            file.write_text(label, "utf-8")
        except OSError as error:
            # The board is good whatever the disk does, and the next one waits.
            self.say(f"{file} was not saved ({error.strerror}); write {row.name} on the board")
            return False
        if project.fleet.station.printer:
            self._print(project.fleet.station.printer, file)
        return True

    def _print(self, printer: str, file: Path) -> None:
        words = [word.replace("{file}", str(file)) for word in shlex.split(printer)]
        try:
            subprocess.run(words, check=True, capture_output=True, timeout=PRINTER_S)
        except (OSError, subprocess.SubprocessError) as error:
            # The board is good whatever the printer does; its label is saved.
            self.say(f"{file} was not printed ({error}); print it by hand")

    def _run(self, jobs: list[Job], title: str) -> list[Outcome]:
        if not jobs:
            return []
        return run_with_progress(
            jobs,
            title,
            self._options.output,
            quiet=self._options.quiet,
            timeout_s=self._options.timeout_s + self._options.wait_s,
        )

    @staticmethod
    def _passed(item: Item, outcome: Outcome) -> bool:
        if outcome.code:
            item.error = outcome.message
        return not outcome.code
