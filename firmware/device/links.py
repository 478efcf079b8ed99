"""Open the links of a board."""


def open_links(sink, board, first):
    """Give a sink its links, in the order in which frames name them; the radio stays off.

    Shape: `first` is the class of the one that every board has.
    """
    for maker in [first] + list(_wanted(board.settings)):
        try:
            sink.links.append(maker(board))
        except (OSError, ValueError) as error:  # no such pin, no radio: the others serve
            sink.complain(maker, error)


def _wanted(settings):
    if settings.wifi_ssid:
        from device.link_udp import UdpLink

        yield UdpLink
    if "uart_tx" in settings.values and "uart_rx" in settings.values:
        from device.link_uart import UartLink

        yield UartLink
