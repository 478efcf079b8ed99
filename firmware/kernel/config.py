"""What a person decided about one agent: plain integers, read from its settings by the driver.

Input    fields set by the driver before the agent is made
Effects  none
Bounds   `limits`; a value out of bounds is brought within them by whoever uses it
"""

# Power states, as indices of `currents_ua`; the names are those of a board definition.
STATE_ACTIVE, STATE_RX, STATE_TX, STATE_MODEM_SLEEP, STATE_LIGHT_SLEEP, STATE_DEEP_SLEEP = range(6)
STATE_NAMES = ("active", "wifi_rx", "wifi_tx", "modem_sleep", "light_sleep", "deep_sleep")


class Config:
    """An agent that is always awake, has no battery and no budget, until told otherwise."""

    def __init__(self) -> None:
        self.wake_period_ms = 0  # from one window of the cluster to the next; 0: always awake
        self.listen_ms_min = 20  # of a window in which nobody speaks
        self.listen_ms_max = 500  # of a window in a busy cluster
        self.saving_mv = 0  # below these battery voltages the mode changes; 0: no battery
        self.critical_mv = 0
        self.dormant_mv = 0
        self.budget_uah_per_day = 0  # 0: whatever it takes
        # Microamperes by power state; all 0: unknown, and then energy is not accounted for.
        self.currents_ua = (0, 0, 0, 0, 0, 0)
