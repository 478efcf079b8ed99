"""Build an NVS partition, by Espressif's own generator.

The generator reports mistakes with a traceback; here they are checked first and come as one
sentence. The same entries give the same bytes.
"""

import io
from collections.abc import Sequence

from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.image.nvs import PAGE_BYTES, Entry

PAGES_MIN = 3
KEY_BYTES_MAX = 15
STRING_BYTES_MAX = 3999  # and a NUL behind it: one string lies in one page
_RANGES = {
    f"{sign}{bits}": (0, 2**bits - 1) if sign == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    for sign in "ui"
    for bits in (8, 16, 32, 64)
}


def blob(namespace: str, key: str, value: bytes) -> Entry:
    """Make a blob entry, as MicroPython's `NVS.set_blob` writes."""
    return Entry(namespace, key, "blob", value)


def integer(namespace: str, key: str, value: int) -> Entry:
    """Make a 32-bit entry, as MicroPython's `NVS.set_i32` writes."""
    return Entry(namespace, key, "i32", value)


def build(entries: Sequence[Entry], size_bytes: int) -> bytes:
    """Return the bytes of a partition that holds the entries.

    Raises: ImageError (the caller) for a bad key or value, or if they do not fit.
    """
    if size_bytes % PAGE_BYTES or size_bytes < PAGES_MIN * PAGE_BYTES:
        raise ImageError(
            f"An NVS partition needs at least {PAGES_MIN} whole pages of {PAGE_BYTES} bytes, "
            f"not {size_bytes} bytes: mend its size."
        )
    ordered = sorted(entries, key=lambda entry: (entry.namespace, entry.key))
    for entry in ordered:
        _check(entry)
    from esp_idf_nvs_partition_gen import nvs_partition_gen as generator

    image = io.BytesIO()
    try:
        with generator.nvs_open(image, size_bytes, generator.Page.VERSION2) as nvs:
            for entry in ordered:
                nvs.write_namespace(entry.namespace)
                encoding = {"blob": "binary"}.get(entry.kind, entry.kind)
                nvs.write_entry(entry.key, entry.value, encoding, nvs.get_namespace_idx())
    except (generator.InsufficientSizeError, generator.InputError) as error:
        raise ImageError(
            f"The settings do not fit an NVS partition of {size_bytes} bytes: "
            f"remove some or enlarge it."
        ) from error
    return image.getvalue()


def _check(entry: Entry) -> None:
    for name in (entry.namespace, entry.key):
        if not 1 <= len(name.encode()) <= KEY_BYTES_MAX or "\0" in name:
            raise ImageError(
                f'The NVS key "{name}" must have 1 to {KEY_BYTES_MAX} bytes: rename it.'
            )
    value = entry.value
    if entry.kind in _RANGES and isinstance(value, int):
        low, high = _RANGES[entry.kind]
        right = low <= value <= high
    elif entry.kind == "string" and isinstance(value, str):
        right = "\0" not in value and len(value.encode()) <= STRING_BYTES_MAX
    else:
        right = entry.kind == "blob" and isinstance(value, bytes)
    if not right:
        raise ImageError(
            f'The NVS value "{entry.namespace}.{entry.key}" does not fit the kind '
            f"{entry.kind}: mend the value."
        )
