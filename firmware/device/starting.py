"""What only a boot does: take over from the boot before, start the agent, load its application."""

from device import app, crash

_SAFE_MODE_SAYS = (
    "the application crashed too often and is left out: mend it and run: cma run,"
    " or press the reset button to try it once more"
)


def take_over(rtc):
    """Return why this boot began, the traceback of the last crash, and the snapshot or None."""
    cause = crash.cause(rtc.memory)
    text = crash.take(rtc.memory)
    return cause, text, rtc.take_snapshot()  # and what `crash` noted is kept with it


def fingerprint(folder):
    """Return a number for the application that will run, 0 if there is none."""
    return app.fingerprint(folder)


def open_links(sink, board):
    """Give a sink its links, in the order in which frames name them; the radio stays off."""
    for maker in _wanted(board.settings):
        try:
            sink.links.append(maker(board))
        except (OSError, ValueError) as error:  # no such pin, no radio: the others serve
            sink.complain(maker, error)


def _wanted(settings):
    from device.link_espnow import EspnowLink

    yield EspnowLink
    if settings.wifi_ssid:
        from device.link_udp import UdpLink

        yield UdpLink
    if "uart_tx" in settings.values and "uart_rx" in settings.values:
        from device.link_uart import UartLink

        yield UartLink


def start(loop, boot):
    """Start the agent and its radio, having told of the last crash.

    Shape: `boot` is what `take_over` returned.
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


def load(loop, folder):
    """Load the application and run its `setup`; say how it is."""
    agent, sink = loop.agent, loop.sink
    if agent.is_safe_mode:
        sink.note("safe mode", _SAFE_MODE_SAYS)
        loop.application = "safe mode"
        return
    if not app.is_plain_program(folder):  # whose import may never end
        loop.watchdog.feed()
    loop.application, setup = app.load(folder, sink)
    if setup is not None and not agent.set_up(loop.rtc.now_ms(), setup, sink):
        loop.application = app.FAILED
