"""Fetch a MicroPython release: find its name, download it, go on where a cut download stopped.

Talks to micropython.org, or to a mirror that lays its files out alike:
`<mirror>/download/<BOARD>/` lists releases, `<mirror>/resources/firmware/<file>` holds them.
"""

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from cma_toolkit.host_tools.errors import CmaError, no_device, usage
from cma_toolkit.host_tools.flash.store import (
    VERSION_MIN,
    board_of,
    plain_version,
    version_key,
    version_of,
)

MIRROR = "https://micropython.org"
TIMEOUT_S = 30.0
BLOCK_BYTES = 64 * 1024
IMAGE_BYTES_MAX = 16 * 1024 * 1024
PAGE_BYTES_MAX = 4 * 1024 * 1024

OnProgress = Callable[[int, int], None]
"""Hear of bytes done and bytes in all (0 if the server does not say)."""


def list_files(mirror: str, board: str) -> list[str]:
    """Return the names of a board's images on the mirror, newest first.

    Raises: CmaError without a network, or if the mirror does not know the board.
    """
    url = f"{mirror.rstrip('/')}/download/{board.partition('-')[0]}/"
    with _open(url, {}) as response:
        page = response.read(PAGE_BYTES_MAX).decode("utf-8", "replace")
    names = set(re.findall(r'/resources/firmware/([A-Z0-9_-]+-\d{8}-[\w.-]+?\.bin)"', page))
    return newest_first([name for name in names if board_of(name) == board])


def newest_first(files: list[str]) -> list[str]:
    """Order image names by version, then by date, newest first."""
    return sorted(files, key=lambda name: (version_key(version_of(name)), name), reverse=True)


def choose_file(files: list[str], board: str, version: str) -> str:
    """Return the name of the wanted version, or of the newest that is no preview.

    Raises: CmaError if there is none.
    """
    if version:
        for name in files:
            if plain_version(version_of(name)) == plain_version(version):
                return name
        known = ", ".join(sorted({version_of(name) for name in files})) or "none"
        raise usage(f"No MicroPython {version} for {board}. Versions there: {known}.")
    good = [name for name in files if version_key(version_of(name)) >= VERSION_MIN]
    settled = [name for name in good if "preview" not in name]
    if not (settled or good):
        oldest = ".".join(map(str, VERSION_MIN))
        raise usage(
            f"No MicroPython {oldest} or later for {board} is known. "
            "Download one and run: cma micropython add FILE"
        )
    return newest_first(settled or good)[0]


def fetch_file(mirror: str, file: str, part: Path, on_progress: OnProgress) -> bytes:
    """Download an image, going on from what `part` already holds; return its bytes.

    `part` keeps what has arrived when the connection breaks, and is removed at the end.
    Raises: CmaError without a network.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    url = f"{mirror.rstrip('/')}/resources/firmware/{file}"
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with _open(url, headers) as response:
        if have and response.status != http.client.PARTIAL_CONTENT:
            have = 0
        total = have + int(response.headers.get("Content-Length") or 0)
        with part.open("ab" if have else "wb") as out:
            while block := _read(response, url):
                out.write(block)
                have += len(block)
                on_progress(have, total)
                if have > IMAGE_BYTES_MAX:
                    break
    if have < total or have > IMAGE_BYTES_MAX:
        raise _broken(url)
    data = part.read_bytes()
    part.unlink()
    return data


def _open(url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "cma-toolkit", **headers})
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_S)
        return response
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and "Range" in headers:
            return _open(url, {})
        raise no_device(
            f"{url}: the server answers {error.code}. Check the version, or download the file "
            "yourself and run: cma micropython add FILE"
        ) from error
    except ValueError as error:
        raise usage(f"{url} is no web address. Give --mirror one, or leave it out.") from error
    except OSError as error:
        raise no_device(
            f"{url}: no network ({getattr(error, 'reason', error)}). On a computer that has one, "
            "download the file; then run: cma micropython add FILE"
        ) from error


def _read(response: http.client.HTTPResponse, url: str) -> bytes:
    try:
        return response.read(BLOCK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _broken(url) from error


def _broken(url: str) -> CmaError:
    return no_device(f"{url}: the download broke off. Run the command again: it goes on there.")
