"""Virtual boards for the manuals."""

from support.virtual import *  # noqa: F403 - fixtures are found by their names
