"""Records in the user's littlefs.

One open, write and close is atomic there: close is littlefs's commit point, so a power cut leaves
the old bytes or the new ones. Nothing needs to be renamed.
"""

import os

from kernel.ports import Store

_ENOENT = 2


class FileStore(Store):
    """One small file per key in one folder."""

    def __init__(self, folder):
        self._folder = folder

    def read(self, key):
        """Return a record's bytes, None if it was never written."""
        try:
            with open(self._path(key), "rb") as file:
                return file.read()
        except OSError as error:
            if error.errno == _ENOENT:
                return None
            raise

    def write(self, key, data):
        """Replace a record."""
        try:
            self._write(key, data)
        except OSError as error:
            if error.errno != _ENOENT:
                raise
            os.mkdir(self._folder)
            self._write(key, data)

    def _write(self, key, data):
        with open(self._path(key), "wb") as file:
            file.write(data)

    def _path(self, key):
        return self._folder + "/" + key
