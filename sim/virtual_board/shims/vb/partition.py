"""`esp32.Partition`: the flash map, raw access, and which slot boots.

Source   MicroPython ports/esp32/esp32_partition.c; ESP-IDF app_update/esp_ota_ops.c
"""

from vb import app_image, board_flash, config, guard, otadata

_OTA_0 = 0x10
_OTA_SUBTYPES = 16
_OTADATA = (1, 0)
_ENOENT = 2
_EINVAL = 22
_NOT_WHOLE = -0x1503  # ESP_ERR_OTA_VALIDATE_FAILED


class Partition:
    """One partition of the flash."""

    BOOT, RUNNING = 0, 1
    TYPE_APP, TYPE_DATA = 0, 1

    def __init__(self, id, block_size=4096):
        if id == Partition.RUNNING:
            row = _running_row()
        else:
            row = _boot_row() if id == Partition.BOOT else board_flash.find(id)
        if row is None:
            raise OSError(_ENOENT)
        self._open(row, block_size)

    def _open(self, row, block_bytes):
        self._row = row
        self._blocks = board_flash.blocks(row[3], row[4], block_bytes)
        self.readblocks = self._blocks.readblocks
        self.writeblocks = self._blocks.writeblocks
        self.ioctl = self._blocks.ioctl

    @classmethod
    def find(cls, type=TYPE_APP, subtype=0xFF, label=None, block_size=4096):
        """Return the partitions that match."""
        found = []
        for row in config.get("partitions"):
            matches = row[1] == type and subtype in (0xFF, row[2])
            if matches and label in (None, row[0]):
                partition = object.__new__(cls)
                partition._open(row, block_size)
                found.append(partition)
        return found

    def info(self):
        """Return (type, subtype, offset, size, label, is encrypted)."""
        label, kind, subtype, offset, size = self._row
        return (kind, subtype, offset, size, label, False)

    def get_next_update(self):
        """Return the slot that an update goes to."""
        slots = _slots()
        if not slots:
            raise OSError(_ENOENT)
        running = self._row[2] - _OTA_0 if self._row in slots else -1
        partition = object.__new__(Partition)
        partition._open(slots[(running + 1) % len(slots)], 4096)
        return partition

    def set_boot(self):
        """Boot this partition from the next reset on."""
        guard.run(_set_boot, self._row)

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        """Say that the running app works."""
        guard.run(_mark_valid)

    def __repr__(self):
        label, kind, subtype, offset, size = self._row
        text = "<Partition type=%d, subtype=%d, address=%d, size=%d, label=%s, encrypted=0>"
        return text % (kind, subtype, offset, size, label)


def _slots():
    rows = [row for row in config.get("partitions") if row[1] == 0]
    slots = [row for row in rows if _OTA_0 <= row[2] < _OTA_0 + _OTA_SUBTYPES]
    return sorted(slots, key=lambda row: row[2])


def _otadata():
    for row in config.get("partitions"):
        if (row[1], row[2]) == _OTADATA:
            return board_flash.region(row[3], row[4])
    return None


def _running_row():
    label = config.get("running")
    return board_flash.find(label) if label else _boot_row()


def _boot_row():
    apps = [row for row in config.get("partitions") if row[1] == 0]
    region = _otadata()
    slots = _slots()
    if region and slots:
        place = otadata.chosen(region, len(slots))
        if place >= 0:
            return slots[place]
    factory = [row for row in apps if row[2] == 0]
    if factory:
        return factory[0]
    return slots[0] if slots else None


def _set_boot(row):
    region = _otadata()
    slots = _slots()
    if row[1] != 0 or region is None:
        raise OSError(-_EINVAL if region else _ENOENT)
    if not app_image.is_whole(board_flash.region(row[3], row[4])):
        raise OSError(_NOT_WHOLE)
    if row in slots:
        otadata.choose(region, slots.index(row), len(slots))
    else:  # the factory app boots when there is no choice
        otadata.choose_factory(region)


def _mark_valid():
    region = _otadata()
    if region is None or not otadata.mark_valid(region):
        raise OSError(_ENOENT)  # what runs came by cable
