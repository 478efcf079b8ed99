"""A web server laid out like micropython.org, which can break off, lie and resume."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Mirror:
    """What the server holds, and what was asked of it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.pages: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []
        self.break_after_bytes: int | None = None
        self.url = ""

    def body(self, path: str) -> bytes | None:
        """Return what lies at a path."""
        name = path.rpartition("/")[2]
        if path.startswith("/resources/firmware/"):
            return self.files.get(name)
        page = self.pages.get(path)
        return page.encode() if page is not None else None


@contextmanager
def serve_mirror() -> Iterator[Mirror]:
    """Serve a mirror on a free port of this computer."""
    mirror = Mirror()

    class Handler(BaseHTTPRequestHandler):
        """Answer one request."""

        def do_GET(self) -> None:
            """Send a whole file, the rest of one, or part of one."""
            wanted = self.headers.get("Range", "")
            mirror.requests.append((self.path, wanted))
            body = mirror.body(self.path)
            if body is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            stop = mirror.break_after_bytes
            self.wfile.write(body[start:] if stop is None else body[start : start + stop])

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    mirror.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield mirror
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
