"""Code that a board is lent: it runs there, writes nothing, and is gone with the next reset."""

from hashlib import sha256
from pathlib import Path

import pytest

from cma_toolkit.host_tools.cli.common import HANDLERS
from cma_toolkit.host_tools.errors import CmaError
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.ports.lending import image_of, lend
from cma_toolkit.host_tools.ports.session import BoardSession
from cma_toolkit.host_tools.secure.pyca import PycaCrypto
from support.flashed_board import make_flashed
from support.virtual import VirtualBoards

KEY, MESSAGE = bytes(range(32)), b"what a board says"
SIGN = f"from lent.secure.ed25519 import sign; print(sign({KEY!r}, {MESSAGE!r}).hex())"


def test_a_board_signs_with_code_that_it_was_lent_until_it_starts_anew(
    virtual_boards: VirtualBoards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CMA_PORT_HANDLERS", HANDLERS)
    info = make_flashed(virtual_boards, "borrower")
    with BoardSession("virtual://borrower") as session:
        session.soft_reset(run_main=False)
        before = sha256(Path(info.image).read_bytes()).digest()
        for _ in range(2):  # to lend again is to lend anew
            assert lend(session, "secure.ed25519") == len(image_of("secure.ed25519"))
            with session._talk("sign", session.url):
                assert session._line
                told = session._line.exec(SIGN)
            assert bytes.fromhex(told.decode().strip()) == PycaCrypto().sign(KEY, MESSAGE)
        assert sha256(Path(info.image).read_bytes()).digest() == before
        session.soft_reset(run_main=False)
        with pytest.raises(CmaError, match="ImportError"), session._talk("sign", session.url):
            session._line.exec(SIGN)


def test_what_is_not_there_is_not_lent() -> None:
    with pytest.raises(ImageError, match=r"kernel\.secure\.nothing"):
        image_of("secure.ed25519", "secure.nothing")
