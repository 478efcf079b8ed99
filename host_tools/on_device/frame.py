"""Appended to every script of this folder: call its `run` and frame the reply.

Whatever else the board prints meanwhile stays outside the frame.
"""

import json
import sys

FRAME_BEGIN = "\x02cma "
FRAME_END = "\x03"


def reply(function, arguments):
    """Run `function` with the JSON arguments and write its result between the two marks."""
    value = function(json.loads(arguments))
    # json.dumps escapes control characters, so neither mark can be inside.
    sys.stdout.write(FRAME_BEGIN + json.dumps(value) + FRAME_END)
