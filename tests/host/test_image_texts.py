"""A text that is used once stands where it is used; every other stays where it is."""

import pytest

from cma_toolkit.host_tools.image.shrink.texts import put_texts


def put(user: str, names: str = "A = 'a'\nB = b'b'\nC = (1, -2)\n") -> tuple[str, str]:
    sources = {"k/__init__.py": b"", "k/names.py": names.encode(), "k/user.py": user.encode()}
    made = put_texts(sources, {"KEPT"})
    return made["k/user.py"].decode(), made["k/names.py"].decode()


@pytest.mark.parametrize(
    ("user", "result", "names"),
    [
        ("from .names import A, B\nx = A, B\n", "pass\nx = 'a', b'b'\n",
         "pass\npass\nC = (1, -2)\n"),
        ("from .names import C as D, A\nx = D[0]\ny = A\nz = A\n",
         "from .names import A\nx = (1, -2)[0]\ny = A\nz = A\n",
         "A = 'a'\nB = b'b'\npass\n"),
        ("from . import names\ndef f():\n    return names.B\n",
         "from . import names\ndef f():\n    return b'b'\n",
         "A = 'a'\npass\nC = (1, -2)\n"),
    ],
)  # fmt: skip
def test_what_is_used_once_stands_there(user: str, result: str, names: str) -> None:
    assert put(user) == (result, names)


@pytest.mark.parametrize(
    ("user", "names"),
    [
        ("from .names import A\nx = A\n", "A = 'a'\nA = 'b'\n"),
        ("from .names import KEPT\nx = KEPT\n", "KEPT = 'a'\n"),
        ("from .names import A\nx = f'{A}'\n", "A = 'a'\n"),
        ("from .names import A\nx = getattr(A, 'A')\n", "A = 'a'\n"),
        ("from .names import A\nx = A\n", "A = ['list']\n"),
        ("from .names import A\ndef f(A):\n    return A\n", "A = 'a'\n"),
    ],
)
def test_all_else_stays(user: str, names: str) -> None:
    assert put(user, names) == (user, names)
