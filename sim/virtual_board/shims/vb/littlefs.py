"""`VfsLfs2` that Ctrl-C cannot interrupt in the middle, as it cannot on a board.

The unix port raises KeyboardInterrupt at any instruction, littlefs's included. So every call into
littlefs happens inside a guard; files are wrapped for the same reason.
"""

import io

import vfs
from vb import control, guard

_CLOSE = 4
_ENODEV = 19


class File(io.IOBase):
    """An open file."""

    def __init__(self, file):
        self._file = file

    def read(self, *size):
        """Return what follows, or so much of it."""
        return guard.run(self._file.read, *size)

    def readinto(self, buffer, *size):
        """Fill a buffer; return how much."""
        return guard.run(self._file.readinto, buffer, *size)

    def readline(self, *size):
        """Return the next line."""
        return guard.run(self._file.readline, *size)

    def readlines(self):
        """Return the lines that follow."""
        return list(self)

    def write(self, data, *span):
        """Write; return how much."""
        return guard.run(self._file.write, data, *span)

    def seek(self, *place):
        """Go to a place; return it."""
        return guard.run(self._file.seek, *place)

    def tell(self):
        """Return the place."""
        return guard.run(self._file.tell)

    def flush(self):
        """Write what is buffered."""
        guard.run(self._file.flush)

    def close(self):
        """Write what is buffered and close."""
        guard.run(self._file.close)

    def ioctl(self, request, argument):
        """Answer MicroPython's own code, which closes what it imported."""
        if request == _CLOSE:
            self.close()
        return 0

    def __iter__(self):
        """Iterate over the lines."""
        return self

    def __next__(self):
        """Return the next line."""
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def __enter__(self):
        """Use it in a `with`."""
        return self

    def __exit__(self, *_):
        """Close it."""
        self.close()


def _make(device, options):
    return vfs.VfsLfs2(device, **options)


def _list(filesystem, path):
    return list(filesystem.ilistdir(path))


class VfsLfs2:
    """A littlefs on a block device."""

    def __init__(self, device, **options):
        self._fs = guard.run(_make, device, options)

    @staticmethod
    def mkfs(device, **options):
        """Make an empty filesystem."""
        guard.run(_format, device, options)

    def open(self, path, mode="r"):
        """Open a file."""
        return File(guard.run(self._fs.open, path, mode))

    def ilistdir(self, path=""):
        """Iterate over the entries of a folder."""
        return iter(guard.run(_list, self._fs, path))

    def mkdir(self, path):
        """Make a folder."""
        guard.run(self._fs.mkdir, path)

    def rmdir(self, path):
        """Remove a folder."""
        guard.run(self._fs.rmdir, path)

    def remove(self, path):
        """Remove a file."""
        guard.run(self._fs.remove, path)

    def rename(self, old, new):
        """Rename a file or folder."""
        guard.run(self._fs.rename, old, new)

    def stat(self, path):
        """Return a file's status.

        `import` takes whatever is raised here for a missing file, so a Ctrl-C must come again.
        """
        while True:
            try:
                return guard.run(self._fs.stat, path)
            except KeyboardInterrupt:
                control.say("interrupt-again")

    def statvfs(self, path):
        """Return the filesystem's status."""
        return guard.run(self._fs.statvfs, path)

    def chdir(self, path):
        """Change the folder."""
        guard.run(self._fs.chdir, path)

    def getcwd(self):
        """Return the folder."""
        return self._fs.getcwd()

    def mount(self, is_readonly, is_new):
        """Hear that it is mounted."""
        self._fs.mount(is_readonly, is_new)

    def umount(self):
        """Hear that it is mounted no more."""
        guard.run(self._fs.umount)


def _format(device, options):
    vfs.VfsLfs2.mkfs(device, **options)


def mount(thing, path, **options):
    """Mount a filesystem, or the one that a block device holds."""
    if hasattr(thing, "readblocks"):
        thing = _detect(thing)
    vfs.mount(thing, path, **options)


def _detect(device):
    for kind in (VfsLfs2, vfs.VfsFat):
        try:
            return kind(device)
        except OSError:
            pass
    raise OSError(_ENODEV)
