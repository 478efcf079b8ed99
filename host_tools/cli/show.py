"""Write what boards print: records as lines for a person, all else as it came."""

import json
import sys

import click

from cma_toolkit.host_tools.cli.progress import Output
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.records import Item, Record, RecordParser
from cma_toolkit.host_tools.ports.render import render


class ConsoleWriter:
    """Write one board's console; with several boards each line begins with the board's name."""

    def __init__(
        self, port: Port, output: Output = "table", *, prefix: str = "", raw: bool = False
    ) -> None:
        self._port = port
        self._output = output
        self._prefix = prefix
        self._raw = raw
        self._parser = RecordParser()
        self._line = b""

    def feed(self, data: bytes) -> None:
        """Write what is complete now."""
        if self._raw:
            self._write_raw(data)
            return
        for item in self._parser.feed(data):
            self._take(item)
        if not self._prefix and self._output == "table" and self._line:
            # One board: a prompt or a dot of progress appears at once, not at its line's end.
            self._write_raw(self._line)
            self._line = b""

    def news(self, text: str) -> None:
        """Write what happened to the port."""
        if self._output == "json":
            click.echo(json.dumps({"port": self._port.url, "news": text}))
        else:
            click.echo(f"-- {self._port.label} {text}", err=True)

    def end(self) -> None:
        """Write what is left of an unfinished line."""
        for item in self._parser.end():
            self._take(item)
        if self._line:
            self._write_line(self._line)
            self._line = b""

    def _take(self, item: Item) -> None:
        if isinstance(item, Record):
            self._write_record(item)
            return
        *lines, self._line = (self._line + item).split(b"\n")
        for line in lines:
            self._write_line(line)

    def _write_record(self, record: Record) -> None:
        if self._output == "json":
            click.echo(json.dumps({"port": self._port.url, **record.fields}))
        else:
            click.echo(self._prefix + render(record.fields))

    def _write_line(self, line: bytes) -> None:
        text = line.rstrip(b"\r").decode(errors="replace")
        if self._output == "json":
            if text:
                click.echo(json.dumps({"port": self._port.url, "text": text}))
        else:
            click.echo(self._prefix + text)

    def _write_raw(self, data: bytes) -> None:
        stream = sys.stdout.buffer
        stream.write(data)
        stream.flush()


def writers_for(
    ports: list[Port], output: Output, *, raw: bool = False
) -> dict[Port, ConsoleWriter]:
    """Return a writer per port, with prefixes of one width if there are several."""
    width = max(len(port.label) for port in ports)
    several = len(ports) > 1
    return {
        port: ConsoleWriter(
            port, output, prefix=f"{port.label.ljust(width)} | " if several else "", raw=raw
        )
        for port in ports
    }
