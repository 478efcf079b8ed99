"""Start the agent of a board that is composed."""


def start(loop, boot):
    """Start the agent and its radio, having told of the last crash.

    Shape: `boot` is its cause, the traceback of the last crash, and the snapshot or None.
    """
    cause, text, snapshot = boot
    sink, agent, rtc = loop.sink, loop.agent, loop.rtc
    if text:
        sink.note("crashed", _readable(text))
        agent.keep_traceback(rtc.now_ms(), text)  # the commit of this boot carries it
    agent.on_battery(loop.board.battery_mv())
    agent.start(rtc.now_ms(), cause, snapshot, sink)
    sink.radio(sink.is_wanted)
    if not loop.board.settings.is_provisioned:
        sink.note("unprovisioned", "this board has no name yet: cma provision")


def _readable(text):
    # Its beginning is cut off, perhaps within a character.
    shown = bytearray(text)
    for index in range(len(shown)):
        if shown[index] >= 0x80:
            shown[index] = ord("?")
    return str(shown, "utf-8")
