"""Is this a board of ours? Included by the scripts that ask."""

import os

OUR_PARTITIONS = ("romfs", "state", "user")


def is_ours():
    """Return whether the flash map is one that `cma flash` writes, and our kernel is there."""
    try:
        from esp32 import Partition
    except ImportError:
        return False
    labels = [found.info()[4] for found in Partition.find(Partition.TYPE_DATA)]
    if not all([label in labels for label in OUR_PARTITIONS]):
        return False
    try:
        os.stat("/rom/kernel")
    except OSError:
        return False
    return True
