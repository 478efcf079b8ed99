"""JSON Schemas of the project's files, for editors.

`python -m cma_toolkit.host_tools.fleet.schemas` writes them anew.
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from cma_toolkit.host_tools.fleet.fleet_file import FleetFile
from cma_toolkit.host_tools.fleet.secrets_file import SecretsFile

FOLDER = Path(__file__).parent
FILES: dict[str, type[msgspec.Struct]] = {
    "fleet.schema.json": FleetFile,
    "secrets.schema.json": SecretsFile,
}


def render(kind: type[msgspec.Struct]) -> str:
    """Return the schema of a file's type as it is committed."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema |= msgspec.json.schema(kind)
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Write the schemas beside this file."""
    for name, kind in FILES.items():
        (FOLDER / name).write_text(render(kind), encoding="utf-8")


if __name__ == "__main__":
    main()
