"""Whether an image holds a secret in clear: what is published, anybody may read.

Pure. A secret is looked for as it is and in hexadecimal digits, which is how key files have it.
"""

from collections.abc import Iterable, Mapping

from cma_toolkit.host_tools.errors import refused
from cma_toolkit.host_tools.image import romfs
from cma_toolkit.host_tools.image.build import Image


def refuse_secrets(images: Iterable[Image], secrets: Mapping[str, bytes]) -> None:
    """Refuse images that hold one of the secrets, which are called what they are the keys of here.

    Raises: CmaError 4 with the file and what the secret is, never with the secret.
    """
    for image in images:
        for path, content in romfs.read(image.data).items():
            for what, secret in secrets.items():
                if secret in content or secret.hex().encode() in content.lower():
                    raise refused(
                        f"{path} of the image holds {what}, which anybody could read once it is "
                        "published: take it out of the application."
                    )
