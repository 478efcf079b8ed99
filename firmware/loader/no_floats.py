"""What stands in the loader for `kernel.codec.floats`: no document and no frame of its has one.

Each counts as ill-formed; `host_tools.image.loader` puts it in the other's place, for room.
"""


def to_bytes(value):
    """Refuse a float.

    Raises: IndexError, always, as the others.
    """
    raise IndexError


from_half = to_bytes


def half_of(data, offset):
    """Refuse a single."""
    raise IndexError


fits_single = half_of
