"""What can be wrong with an image."""


class ImageError(Exception):
    """Refuse bytes that are not the image they should be, in one sentence that says what to do.

    The bytes come from a file, a download or a board's flash; none of them may crash a parser.
    """


class SourceError(ImageError):
    """Refuse a file that a person wrote: the sentence begins with its name and line."""
