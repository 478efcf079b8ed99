"""Hand documents to a board's trust on one runtime, and print what it answers to each.

Runs on both: `release_replay.py FILE`; its first line is a JSON object of the root and the board,
each other line a kind, the time and a document.
"""

import json
import sys
from binascii import unhexlify

from kernel.release.manifest import Board
from kernel.release.trust import Trust


def answers(path: str) -> "list[int]":
    """Return the reasons of refusal, 0 for what is taken; a release taken is confirmed."""
    reasons = []
    with open(path) as file:
        given = json.loads(file.readline())
        trust = Trust(unhexlify(given["root"]))
        board = Board((unhexlify(given["class_id"]),), given["slot_bytes"], given["mpy"])
        for line in file:
            kind, now_s, text = line.split()
            reasons.append(answer(trust, board, kind, unhexlify(text), int(now_s)))
    return reasons


def answer(trust: Trust, board: Board, kind: str, data: bytes, now_s: int) -> int:
    """Hand over one document."""
    if kind == "root":
        return trust.on_root(data)
    if kind == "timestamp":
        return trust.on_timestamp(data, now_s)
    reason = trust.on_release(data, board, now_s)
    if not reason and trust.manifest:
        trust.on_confirmed(trust.manifest)
    return reason


if __name__ == "__main__":
    print(json.dumps(answers(sys.argv[1])))
