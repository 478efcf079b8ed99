"""What can be wrong with an image."""


class ImageError(Exception):
    """Refuse bytes that are not the image they should be, in one sentence that says what to do.

    The bytes come from a file, a download or a board's flash; none of them may crash a parser.
    """


class SourceError(ImageError):
    """Refuse a file that a person wrote: the sentence begins with its name and line.

    `path` is the file in the image, `fault` what is wrong with it from the line on.
    """

    def __init__(self, path: str, fault: str) -> None:
        super().__init__(f"{path}:{fault}")
        self.path = path
        self.fault = fault
