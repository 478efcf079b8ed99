"""The port that inflates, as a board's driver and a computer have it."""

from kernel.codec.deflate import WINDOW_BITS

try:
    import zlib

    def inflate(data, most):
        """Return the first `most` bytes that raw DEFLATE makes.

        Raises: ValueError for what is none.
        """
        unpacker = zlib.decompressobj(-WINDOW_BITS)
        try:
            made = unpacker.decompress(data, most)
        except zlib.error:
            raise ValueError from None
        if len(made) < most and not unpacker.eof:
            raise ValueError
        return made

except ImportError:  # MicroPython
    import io

    import deflate

    def inflate(data, most):
        """Return the first `most` bytes that raw DEFLATE makes.

        Raises: ValueError for what is none.
        """
        try:
            return deflate.DeflateIO(io.BytesIO(data), deflate.RAW, WINDOW_BITS).read(most)
        except (OSError, EOFError):
            raise ValueError from None
