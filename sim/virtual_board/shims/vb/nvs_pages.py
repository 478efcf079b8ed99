"""ESP-IDF's non-volatile storage, format version 2, on a flash region; for both runtimes.

A page is a sector: a header, two bits of state for each of 126 entries, the entries of 32 bytes.
A value is written before what it replaces is erased; a flip of state bits makes each step final.
So after a power cut a key has its old value or its new one.

Input    region: read(at, buffer), program(at, data), erase(at, size)
Raises   NvsError with ESP-IDF's name of the error
Bounds   one cached dictionary entry for each written item
Source   ESP-IDF components/nvs_flash: README.rst (format), nvs_page.cpp, nvs_pagemanager.cpp
"""

import struct

from .nvs_page import (
    ACTIVE,
    EMPTY,
    ENTRIES,
    ENTRY_BYTES,
    ERASED,
    FREEING,
    FULL,
    PAGE_BYTES,
    UNUSED,
    WRITTEN,
    NvsError,
    Page,
    crc,
)

U8, I8, U16, I16, U32, I32, U64, I64 = 0x01, 0x11, 0x02, 0x12, 0x04, 0x14, 0x08, 0x18
TEXT, BLOB_V1, BLOB_DATA, BLOB = 0x21, 0x41, 0x42, 0x48
KEY_CHARACTERS_MAX = 15
BLOB_BYTES_MAX = 508_000
TEXT_BYTES_MAX = 4000
_ANY_CHUNK = 0xFF
_NAMESPACES_MAX = 254
# The chunks of a blob's new value have other numbers than those of its old one.
_GENERATIONS = (0x00, 0x80)
_NUMBERS = {
    U8: "<B",
    I8: "<b",
    U16: "<H",
    I16: "<h",
    U32: "<I",
    I32: "<i",
    U64: "<Q",
    I64: "<q",
}


class NvsPages:
    """A partition of pages."""

    def __init__(self, region, size_bytes):
        self._region = region
        self._pages = [Page(region, at) for at in range(0, size_bytes, PAGE_BYTES)]
        self._used = []
        self._free = []
        self._items = {}  # (namespace, key, type, chunk) → (page, index, span)
        self._namespaces = {}

    def load(self):
        """Read everything, and finish what a power cut left half done.

        Raises: NvsError ESP_ERR_NVS_NO_FREE_PAGES if no page can take a write.
        """
        self._used, self._free = [], []
        for page in self._pages:
            if not page.load():
                page.erase()
            (self._free if page.state == UNUSED else self._used).append(page)
        self._used.sort(key=lambda page: page.sequence)
        self._finish_freeing()
        self._items = {}
        for page in self._used:
            self._load_page(page)
        self._drop_half_blobs()
        if not self._used:
            self._activate()
        self._load_namespaces()

    def open_namespace(self, name):
        """Return the number of a namespace; make it if it is new."""
        if name in self._namespaces:
            return self._namespaces[name]
        _check_name(name)
        taken = self._namespaces.values()
        number = 1
        while number in taken:
            number += 1
        if number > _NAMESPACES_MAX:
            raise NvsError("ESP_ERR_NVS_NOT_ENOUGH_SPACE")
        self._put(0, name, U8, _ANY_CHUNK, struct.pack("<B", number))
        self._namespaces[name] = number
        return number

    def namespaces(self):
        """Return the names, sorted."""
        return sorted(self._namespaces)

    def keys(self, namespace):
        """Return [(key, type)] of a namespace, sorted."""
        number = self._namespaces.get(namespace)
        found = [(item[1], item[2]) for item in self._items if item[0] == number]
        return sorted([pair for pair in found if pair[1] != BLOB_DATA])

    def count_used(self):
        """Return how many entries hold something."""
        return sum([page.count(WRITTEN) for page in self._pages])

    def get(self, namespace, key, kind):
        """Return a value: an int, text, or bytes."""
        number = self._namespaces.get(namespace)
        if kind == BLOB:
            return self._get_blob(number, key)
        place = self._items.get((number, key, kind, _ANY_CHUNK))
        if place is None:
            raise NvsError("ESP_ERR_NVS_NOT_FOUND")
        if kind in _NUMBERS:
            return struct.unpack(_NUMBERS[kind], place[0].entry(place[1])[24 : 24 + (kind & 15)])[
                0
            ]
        return str(self._data(place)[:-1], "utf-8")

    def set(self, namespace, key, kind, value):
        """Write a value; one that is equal already is not written."""
        number = self.open_namespace(namespace)
        _check_name(key)
        if kind == BLOB:
            value = bytes(value)
            if len(value) > BLOB_BYTES_MAX:
                raise NvsError("ESP_ERR_NVS_VALUE_TOO_LONG")
        try:
            if self.get(namespace, key, kind) == value:
                return
        except NvsError:
            pass
        others = self._of_other_kind(number, key, kind)
        if kind == BLOB:
            self._set_blob(number, key, value)
        elif kind in _NUMBERS:
            self._put(number, key, kind, _ANY_CHUNK, struct.pack(_NUMBERS[kind], value))
        else:
            data = value.encode() + b"\0"
            if len(data) > TEXT_BYTES_MAX:
                raise NvsError("ESP_ERR_NVS_VALUE_TOO_LONG")
            self._put_data(number, key, kind, _ANY_CHUNK, data)
        for item in others:
            self._erase(item)

    def erase_key(self, namespace, key):
        """Forget a key, whatever its type."""
        number = self._namespaces.get(namespace)
        found = self._of_other_kind(number, key, None)
        if number is None or not found:
            raise NvsError("ESP_ERR_NVS_NOT_FOUND")
        for item in found:
            self._erase(item)

    # Blobs: an index entry names how many chunks there are and the number of the first.

    def _get_blob(self, number, key):
        old = self._items.get((number, key, BLOB_V1, _ANY_CHUNK))
        if old:
            return self._data(old)
        place = self._items.get((number, key, BLOB, _ANY_CHUNK))
        if place is None:
            raise NvsError("ESP_ERR_NVS_NOT_FOUND")
        size, count, first = struct.unpack("<IBB", place[0].entry(place[1])[24:30])
        data = b""
        for chunk in range(first, first + count):
            found = self._items.get((number, key, BLOB_DATA, chunk))
            if found is None:
                raise NvsError("ESP_ERR_NVS_NOT_FOUND")
            data += self._data(found)
        if len(data) != size:
            raise NvsError("ESP_ERR_NVS_NOT_FOUND")
        return data

    def _set_blob(self, number, key, value):
        old = self._items.get((number, key, BLOB, _ANY_CHUNK))
        first = _GENERATIONS[0]
        if old and old[0].entry(old[1])[29] == first:
            first = _GENERATIONS[1]
        old_chunks = self._chunks(number, key)
        written = []
        try:
            at = 0
            while at < len(value) or not written:
                room = min(self._room_for_chunk(len(value) - at), len(value) - at)
                chunk = first + len(written)
                self._put_data(number, key, BLOB_DATA, chunk, value[at : at + room])
                written.append((number, key, BLOB_DATA, chunk))
                at += room
            index = struct.pack("<IBBH", len(value), len(written), first, 0xFFFF)
            self._put(number, key, BLOB, _ANY_CHUNK, index)
        except NvsError:
            for item in written:
                self._erase(item)
            raise
        for item in old_chunks:
            self._erase(item)

    def _chunks(self, number, key):
        return [item for item in self._items if item[:3] == (number, key, BLOB_DATA)]

    def _room_for_chunk(self, wanted):
        """Return how many bytes of a blob the present page takes, after a new one if it must."""
        if self._room_entries() < (2 if wanted else 1):
            self._next_page(2)
        return (self._room_entries() - 1) * ENTRY_BYTES

    def _room_entries(self):
        page = self._used[-1]
        return ENTRIES - page.next if page.state == ACTIVE else 0

    # Items.

    def _put(self, number, key, kind, chunk, value):
        """Write an item of one entry, then erase the one that it replaces."""
        self._append((number, key, kind, chunk), 1, value)

    def _put_data(self, number, key, kind, chunk, data):
        span = 1 + (len(data) + ENTRY_BYTES - 1) // ENTRY_BYTES
        field = struct.pack("<HHI", len(data), 0xFFFF, crc(data))
        self._append((number, key, kind, chunk), span, field, data)

    def _append(self, item, span, field, data=b""):
        if self._room_entries() < span:
            self._next_page(span)
        old = self._items.get(item)
        page = self._used[-1]
        index = page.write(_entry(item, span, field), data)
        self._items[item] = (page, index, span)
        if old:
            old[0].set_states(old[1], old[2], ERASED)

    def _erase(self, item):
        page, index, span = self._items.pop(item)
        page.set_states(index, span, ERASED)

    def _data(self, place):
        size = struct.unpack("<H", place[0].entry(place[1])[24:26])[0]
        return place[0].data(place[1], size)

    def _of_other_kind(self, number, key, kind):
        """Return the items of a key whose type is another, index before chunks."""
        kinds = (kind, BLOB_DATA) if kind == BLOB else (kind,)
        found = [item for item in self._items if item[:2] == (number, key)]
        found = [item for item in found if item[2] not in kinds]
        return sorted(found, key=lambda item: -item[2])

    # Pages.

    def _activate(self):
        if not self._free:
            raise NvsError("ESP_ERR_NVS_NO_FREE_PAGES")
        page = self._free.pop(0)
        page.begin(self._used[-1].sequence + 1 if self._used else 0)
        self._used.append(page)

    def _next_page(self, span):
        """Continue on another page; one free page always stays in reserve."""
        if self._used[-1].state == ACTIVE:
            self._used[-1].mark(FULL)
        if len(self._free) > 1:
            self._activate()
            return
        best = max(self._used, key=lambda page: ENTRIES - page.count(WRITTEN))
        if not self._free or ENTRIES - best.count(WRITTEN) < span:
            raise NvsError("ESP_ERR_NVS_NOT_ENOUGH_SPACE")
        best.mark(FREEING)
        self._activate()
        self._move(best, self._used[-1])

    def _move(self, old, new):
        """Copy what lives on a page to the newest, and free the page."""
        index = 0
        while index < ENTRIES:
            if old.states[index] != WRITTEN:
                index += 1
                continue
            entry = old.entry(index)
            span = entry[2]
            written = new.write(entry, old.data(index, (span - 1) * ENTRY_BYTES))
            self._items[_item(entry)] = (new, written, span)
            index += span
        self._used.remove(old)
        old.erase()
        self._free.append(old)

    def _finish_freeing(self):
        """Copy again what a power cut interrupted while it was copied."""
        freeing = [page for page in self._used if page.state == FREEING]
        if not freeing:
            return
        old = freeing[0]
        newest = self._used[-1]
        if newest is not old and newest.state == ACTIVE:
            newest.erase()
            self._used.remove(newest)
            self._free.append(newest)
        self._activate()
        self._move(old, self._used[-1])

    # Loading.

    def _load_page(self, page):
        self._clean(page)
        index = 0
        while index < ENTRIES:
            if page.states[index] != WRITTEN:
                index += 1
                continue
            entry = page.entry(index)
            item = _item(entry)
            older = self._items.get(item)
            if older:  # the power went after the new one was written
                older[0].set_states(older[1], older[2], ERASED)
            self._items[item] = (page, index, entry[2])
            index += entry[2]

    def _clean(self, page):
        """Erase entries of a page that a power cut left without all their bytes."""
        index = 0
        while index < ENTRIES:
            state = page.states[index]
            if state == WRITTEN:
                index += self._clean_item(page, index)
                continue
            if state == EMPTY and not page.is_entry_blank(index):
                page.set_states(index, 1, ERASED)
                page.next = max(page.next, index + 1)
            index += 1

    def _clean_item(self, page, index):
        """Erase the item at an entry unless it is whole; return how many entries to skip."""
        entry = page.entry(index)
        span = entry[2]
        is_sound = struct.unpack("<I", entry[4:8])[0] == crc(entry[:4] + entry[8:])
        if not is_sound or not 1 <= span <= ENTRIES - index:
            page.set_states(index, 1, ERASED)
            return 1
        rest = [page.states[each] for each in range(index, index + span)]
        if any([each != WRITTEN for each in rest]) or not _is_data_whole(page, index, entry):
            page.set_states(index, span, ERASED)
            page.next = max(page.next, index + span)
        return span

    def _drop_half_blobs(self):
        """Erase an index without all its chunks, and chunks that belong to no index."""
        wanted = set()
        for item in [item for item in self._items if item[2] == BLOB]:
            page, index, _ = self._items[item]
            _, count, first = struct.unpack("<IBB", page.entry(index)[24:30])
            chunks = [(item[0], item[1], BLOB_DATA, first + each) for each in range(count)]
            if all([chunk in self._items for chunk in chunks]):
                wanted.update(chunks)
            else:
                self._erase(item)
        for item in list(self._items):
            if item[2] == BLOB_DATA and item not in wanted:
                self._erase(item)

    def _load_namespaces(self):
        self._namespaces = {}
        for item in self._items:
            if item[0] == 0:
                page, index, _ = self._items[item]
                self._namespaces[item[1]] = page.entry(index)[24]


def _entry(item, span, field):
    number, key, kind, chunk = item
    name = key.encode()
    head = struct.pack("<BBBB", number, kind, span, chunk)
    body = name + bytes(16 - len(name)) + field + b"\xff" * (8 - len(field))
    return head + struct.pack("<I", crc(head + body)) + body


def _item(entry):
    key = str(entry[8:24].split(b"\0")[0], "utf-8")
    return (entry[0], key, entry[1], entry[3])


def _is_data_whole(page, index, entry):
    if entry[1] not in (TEXT, BLOB_V1, BLOB_DATA):
        return True
    size, _, check = struct.unpack("<HHI", entry[24:32])
    return size <= (entry[2] - 1) * ENTRY_BYTES and crc(page.data(index, size)) == check


def _check_name(name):
    if not name:
        raise NvsError("ESP_ERR_NVS_INVALID_NAME")
    if len(name.encode()) > KEY_CHARACTERS_MAX:
        raise NvsError("ESP_ERR_NVS_KEY_TOO_LONG")
