"""Virtual boards for every test of this folder."""

from support.virtual import *  # noqa: F403 - fixtures are found by their names
