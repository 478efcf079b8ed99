"""The JSON Schema of a board file, made from the types that check it.

`python -m cma_toolkit.boards.schema` writes `board.schema.json`; an editor that knows TOML
schemas (Taplo, Even Better TOML) then completes and checks a board file as it is typed.
"""

import json
from pathlib import Path

import msgspec

from .records import BoardFile

SCHEMA_FILE = Path(__file__).parent / "board.schema.json"


def schema_text() -> str:
    """Return the schema as it is committed."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A board file of the CMA toolkit",
        **msgspec.json.schema(BoardFile),
    }
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
