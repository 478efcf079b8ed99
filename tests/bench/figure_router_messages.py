"""Messages per second through an agent's router over UDP, against a bare asyncio UDP echo.

Both run in MicroPython on loopback, in turns; per second of their own processor time, so that what
else the machine does counts for neither; the best of the rounds, since what else shares the core
only slows. At least 0.5. Message: a ping of 32 bytes, taken in, judged, answered and sent.
"""

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

from kernel.codec import cbor, frame
from support import shipped
from support.mesh import made

UNIT = "ratio"
AT_LEAST = 0.5
ROUNDS = 60
MESSAGES = 800
AT_ONCE = 16  # on their way


class Server:
    """One of the two programs, and what it took to answer."""

    def __init__(self, client: socket.socket, port: int, pid: int) -> None:
        self._client = client
        self._address = ("127.0.0.1", port)
        self._schedule = Path(f"/proc/{pid}/schedstat")
        self._sequence = 0

    def rate(self, kind: int, payload: bytes, answer: int) -> float:
        """Return how many messages per second of its time the server answers."""
        data = made(kind, payload, target=0x1234)
        start_ns = self._used_ns()
        for _ in range(MESSAGES // AT_ONCE):
            for _ in range(AT_ONCE):
                self._sequence = (self._sequence + 1) & 0xFFFF
                frame.write_sequence(data, self._sequence)
                self._client.sendto(data, self._address)
            answered = 0
            while answered < AT_ONCE:  # the agent announces itself meanwhile
                answered += self._client.recv(300)[1] in (kind, answer)
        return MESSAGES * 1e9 / (self._used_ns() - start_ns)

    def _used_ns(self) -> int:
        return int(self._schedule.read_text().split()[0])


def measure(say: Callable[[str], None]) -> float:
    """Let both answer in turns."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(shipped.compiled(["udp_servers", "mesh", "script"]))
        client = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        client.bind(("127.0.0.1", 0))
        client.settimeout(10)
        servers = []
        for name in ("echo", "agent"):
            port = str(client.getsockname()[1])
            program = stack.enter_context(shipped.started(folder, "udp_servers", name, port))
            assert program.stdout
            servers.append(Server(client, int(program.stdout.readline()), program.pid))
        return _ratio(servers, say)


def _ratio(servers: list[Server], say: Callable[[str], None]) -> float:
    bare, routed = _best(servers, frame.KIND_PING, bytes(range(32)))
    say(f"ping of 32 bytes: echo {bare:,.0f}/s, router {routed:,.0f}/s")
    asked = _best(servers[1:], frame.KIND_REQUEST, cbor.encode([300, "echo", 7]))[0]
    say(f"beyond the router, a request that a handler answers: {asked:,.0f}/s")
    return routed / bare


def _best(servers: list[Server], kind: int, payload: bytes) -> list[float]:
    best = [0.0] * len(servers)
    for _ in range(ROUNDS):
        for index, server in enumerate(servers):
            best[index] = max(best[index], server.rate(kind, payload, kind + 1))
    return best
