"""Where the image lies that runs. Included by the scripts that ask.

See `kernel/release/layout.py` and `loader/mark.py` of the firmware.
"""

SECTOR_BYTES = 4096
LOADER_SECTORS = 16
JOURNAL_SECTORS = 4
MARK_AT, MARK_MAGIC = 1496, b"\xcb"


def sector_of_slot(sector_count):
    """Return where the image begins that runs, as the loader marked it: else that of slot A."""
    import machine

    mark = machine.RTC().memory()[MARK_AT : MARK_AT + 2]
    slot = mark[1] & 1 if mark[:1] == MARK_MAGIC else 0
    return LOADER_SECTORS + slot * slot_sectors(sector_count)


def slot_sectors(sector_count):
    """Return how many sectors a slot has."""
    return (sector_count - LOADER_SECTORS - JOURNAL_SECTORS) // 2


def room_at(sector, sector_count):
    """Return how many bytes the loader or a slot may have that begins at a sector."""
    return (slot_sectors(sector_count) if sector else LOADER_SECTORS) * SECTOR_BYTES


def size_of_image(head):
    """Return how long a ROMFS is: behind its magic, seven bits a byte, highest first."""
    size = 0
    for at in range(3, 8):
        size = size << 7 | head[at] & 0x7F
        if not head[at] & 0x80:
            return at + 1 + size
    return 0
