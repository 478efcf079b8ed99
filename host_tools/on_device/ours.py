"""Is this a board of ours? Included by the scripts that ask."""

import os

OUR_PARTITIONS = ("romfs", "state", "user")


def is_ours():
    """Return whether the flash map is one that `cma flash` writes, and our kernel is there."""
    if not has_our_map():
        return False
    try:
        os.stat("/rom/kernel")  # of an image: its loader has it elsewhere
    except OSError:
        return False
    return True


def has_our_map():
    """Return whether the flash map is one that `cma flash` writes."""
    try:
        from esp32 import Partition
    except ImportError:
        return False
    labels = [found.info()[4] for found in Partition.find(Partition.TYPE_DATA)]
    return all([label in labels for label in OUR_PARTITIONS])
