"""What a person decided about one agent: plain integers from its settings.

Input    take(values): the map of settings that provisioning wrote
Effects  none
Bounds   `limits`; a value of another type or out of bounds has its default
"""

from .limits import LISTEN_MS_MAX, WAKE_PERIOD_MS_MAX, WAKE_PERIOD_MS_MIN

# Power states, as indices of `currents_ua`; the names are those of a board definition.
STATE_ACTIVE, STATE_RX, STATE_TX, STATE_MODEM_SLEEP, STATE_LIGHT_SLEEP, STATE_DEEP_SLEEP = range(6)
STATE_NAMES = ("active", "wifi_rx", "wifi_tx", "modem_sleep", "light_sleep", "deep_sleep")

# Each setting with the least and the most that it may be, besides 0 for "off".
_SETTINGS = (
    ("wake_period_ms", WAKE_PERIOD_MS_MIN, WAKE_PERIOD_MS_MAX),
    ("listen_ms", 10, LISTEN_MS_MAX),
    ("deep_sleep_ms", 1, WAKE_PERIOD_MS_MAX),
    ("saving_mv", 500, 60_000),
    ("critical_mv", 500, 60_000),
    ("dormant_mv", 500, 60_000),
    ("budget_uah_per_day", 1, 100_000_000),
)
SETTING_NAMES = tuple([row[0] for row in _SETTINGS])

_CURRENT_UA_MAX = 5_000_000  # as in a board definition


class Config:
    """An agent that is always awake, has no battery and no budget, until told otherwise."""

    def __init__(self) -> None:
        self.wake_period_ms = 0  # from one window of the cluster to the next; 0: always awake
        self.listen_ms = 0  # of a window in which nobody speaks; 0: as short as the clocks allow
        self.deep_sleep_ms = 0  # the least gap that is slept deep; 0: what the currents say pays
        self.saving_mv = 0  # below these battery voltages the mode changes; 0: never
        self.critical_mv = 0
        self.dormant_mv = 0
        self.budget_uah_per_day = 0  # 0: whatever it takes
        self.application_id = 0  # changes when the application does: safe mode is then left
        # Microamperes by power state; 0: unknown, and then its energy is not accounted for.
        self.currents_ua = (0,) * len(STATE_NAMES)

    def take(self, values: "dict[str, object]") -> None:
        """Take over the settings that are the kernel's; the others are left to their owners."""
        for name, least, most in _SETTINGS:
            value = values.get(name, 0)
            if isinstance(value, int) and least <= value <= most:
                setattr(self, name, value)

    def take_currents(self, currents: "dict[str, object]") -> None:
        """Take over a board's currents by the names of their states.

        Units: microamperes.
        """
        values = [currents.get(name, 0) for name in STATE_NAMES]
        self.currents_ua = tuple([
            value if isinstance(value, int) and 0 <= value <= _CURRENT_UA_MAX else 0
            for value in values
        ])  # fmt: skip
