"""What the owner of this board told it at its start, and what changed since."""

import json
import os

VALUES = json.loads(os.getenv("CMA_BOARD"))


def get(key, default=None):
    """Return a value."""
    return VALUES.get(key, default)
