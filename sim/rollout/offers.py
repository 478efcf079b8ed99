"""What a board that lives by a schedule makes of an offer: whether it is to go and update."""

from cma_toolkit.firmware.kernel.codec.frame import KIND_OFFER
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES
from cma_toolkit.firmware.kernel.release import talk


def is_offered(content: bytes, class_id: bytes, sequence: int, node: int) -> bool:
    """Tell whether a frame offers a node that runs a release a newer one of its class."""
    fields = talk.read(content[1], memoryview(content)[HEADER_BYTES:])
    if content[1] != KIND_OFFER or fields is None or fields[talk.CLASS] != talk.tag_of(class_id):
        return False
    nodes = fields[talk.NODES]
    return fields[talk.SEQUENCE] > sequence and (not nodes or node in nodes)
