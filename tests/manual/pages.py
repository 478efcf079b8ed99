"""The code blocks of a manual page, and how a test runs them.

A fenced block is one of
- `console`: lines that start with `$ ` are typed, in order, in the page's folder; `# exits N` at
  the end of a line says which exit code it must have, `# Ctrl-C` that a person ends it so;
- a language and a file name (`python app.py`): the block is written to that file;
- `python` or `toml` alone: it must parse;
- `text`: what a person sees, or a drawing; not run.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^( *)```(\S*) ?(.*)$")
LANGUAGES = {"console", "csv", "python", "text", "toml"}
EXITS = re.compile(r"\s+# exits (\d+)$")
COMMENT = re.compile(r"\s{2,}# .*$")
INTERRUPTED = re.compile(r"\s+# Ctrl-C$")


@dataclass
class Block:
    """One fenced block: its language, the file it is saved as if any, and its text."""

    language: str
    file: str
    line: int
    text: str = ""


@dataclass
class Command:
    """One typed line and how it must end."""

    line: int
    text: str
    exit_code: int = 0
    interrupted: bool = False


@dataclass
class Page:
    """A page's blocks in order."""

    path: Path
    blocks: list[Block] = field(default_factory=list)

    @classmethod
    def from_file(cls, path: Path) -> "Page":
        """Read the fenced blocks of a Markdown file.

        Raises: AssertionError for a fence without a known language, or one left open.
        """
        page, block = cls(path), None
        for number, line in enumerate(path.read_text().splitlines(), 1):
            fence = FENCE.match(line)
            if fence and block is None:
                _, language, file = fence.groups()
                assert language in LANGUAGES, (
                    f"{path}:{number}: a block in {language or 'no language'}"
                )
                block = Block(language, file, number)
            elif fence:
                assert block is not None
                page.blocks.append(block)
                block = None
            elif block is not None:
                block.text += line + "\n"
        assert block is None, f"{path}: the last block is not closed"
        return page


def commands(block: Block) -> list[Command]:
    """Return what a person types in a console block."""
    found = []
    for offset, line in enumerate(block.text.splitlines(), 1):
        if not line.startswith("$ "):
            continue
        text = line[2:]
        code = EXITS.search(text)
        interrupted = bool(INTERRUPTED.search(text))
        text = COMMENT.sub("", INTERRUPTED.sub("", EXITS.sub("", text)))
        found.append(
            Command(block.line + offset, text.strip(), int(code[1]) if code else 0, interrupted)
        )
    return found
