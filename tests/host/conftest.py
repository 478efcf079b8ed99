"""Virtual boards for the tests of the host tools."""

from support.virtual import *  # noqa: F403 - fixtures are found by their names
