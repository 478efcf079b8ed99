"""What the agent uses, and what it may still use today.

Charge is current times time: the driver's states are told, the board's currents are known. A day's
budget comes by the hour, so that the first hour cannot use it up. Work that is asked for is
refused when it cannot be afforded; what is used unasked, as by waking and listening, is charged
and lowers what is left for the rest. The last quarter is kept from that work for what an agent
must say; this is never refused, or an agent whose listening used up its day would vanish.

Input    begin(now, state), enter(now, state), sent(length),
         worked(now, span), afford(now, cost, is_control)
Effects  none
Bounds   a bucket of `limits.Quotas`; 14 small ints to remember; nothing is allocated later
Source   ESP-NOW sends at 1 Mbit/s (IEEE 802.11-2020, clause 15: 192 us of preamble), in a frame of
         43 bytes around the payload (ESP-IDF, "ESP-NOW", frame format)
"""

from array import array

from ..fields import read_word, write_word
from ..limits import QUOTA_ENERGY_NAH, Quotas
from ..ticks import ticks_add, ticks_diff

_ACTIVE, _RX, _TX, _MODEM_SLEEP, _LIGHT_SLEEP, _DEEP_SLEEP = range(6)  # as in `config`
_STATES = 6

BOOT_MS = 420  # of stock MicroPython with a root filesystem, from deep sleep to the application

_PREAMBLE_US = 192
_AROUND_BYTES = 43
_NC_PER_NAH = 3_600
_NC_PER_UAH = 3_600_000
_CURRENT_UA_MAX = 420_000  # times the microseconds of the longest frame it is still a small int
_UAH_MAX = (1 << 29) - 1  # 500 Ah
_DAY_SHARE = 25  # an hour gets a 25th of the day: with one hour's burst a day gets the whole
_BUDGET_UAH_MAX = 13_000_000


class Energy:
    """The account of one agent."""

    SNAPSHOT_BYTES = 56

    def __init__(self, currents_ua: "tuple[int, ...]", uah_per_day: int, quotas: Quotas) -> None:
        self.uah = array("i", [0] * _STATES)  # used, by state
        self.rest_nc = array("i", [0] * _STATES)  # what is not yet a whole uAh of it
        self._currents_ua = array("i", [min(ua, _CURRENT_UA_MAX) for ua in currents_ua])
        self.is_known = max(currents_ua) > 0  # without currents there is nothing to count
        self._quotas = quotas
        per_hour_nah = min(uah_per_day, _BUDGET_UAH_MAX) * (1_000 // _DAY_SHARE)
        self._reserve_nah = per_hour_nah >> 2
        quotas.limit(QUOTA_ENERGY_NAH, per_hour_nah, per_hour_nah)
        self.begin(0, _ACTIVE)

    def begin(self, now_ms: int, state: int) -> None:
        """Be in a state from now on: of the time before nothing is known."""
        self._since_ms = now_ms
        self._state = state
        self._is_new = True  # in the present step

    def enter(self, now_ms: int, state: int) -> int:
        """Charge the time since the last call to the state until now, and be in another.

        Returns: nAh.
        """
        span_ms = max(0, ticks_diff(now_ms, self._since_ms))
        current_ua = self._currents_ua[self._state]
        # By hours, minutes and seconds: the product of a long span and a current is no small int.
        minutes = current_ua * (span_ms // 60_000 % 60)
        used_uc = minutes % 60 * 60 + current_ua * (span_ms // 1000 % 60)
        uah = current_ua * (span_ms // 3_600_000) + minutes // 60 + used_uc // _NC_PER_NAH
        used_nc = used_uc % _NC_PER_NAH * 1000 + current_ua * (span_ms % 1000)
        nah = self._add(self._state, uah, used_nc)
        self._quotas.charge(now_ms, QUOTA_ENERGY_NAH, nah)
        self.begin(now_ms, state)
        return nah

    def sent(self, length: int) -> int:
        """Charge the air time of a frame; the receiver's current is charged all the time.

        Who sends has asked `afford` before: the day's budget is not charged again.

        Returns: nAh.
        """
        over_ua = max(0, self._currents_ua[_TX] - self._currents_ua[self._state])
        return self._add(_TX, 0, over_ua * _air_us(length) // 1000)

    def send_nah(self, length: int) -> int:
        """Return what sending a frame costs. Units: nAh."""
        return 1 + self._currents_ua[_TX] * _air_us(length) // 1000 // _NC_PER_NAH

    def worked(self, now_ms: int, span_ms: int) -> None:
        """Charge the time of a step that ended with sleep as work: the sleep began after it.

        Who is awake is charged by the state that it is in, for as long as that lasts.
        """
        state = self._state
        if state < _LIGHT_SLEEP:
            return
        if not self._is_new:  # an earlier step ended with it, and this one did not
            self.enter(now_ms, _ACTIVE)
            return
        self._state = _ACTIVE
        self.enter(ticks_add(self._since_ms, span_ms), state)
        self._is_new = False

    def afford(self, now_ms: int, cost_nah: int, is_control: bool = False) -> bool:
        """Take what some work will cost from the day's budget, or refuse it.

        What an agent must say, such as that it is there, is never refused, only charged.
        """
        quotas = self._quotas
        if is_control:
            quotas.charge(now_ms, QUOTA_ENERGY_NAH, cost_nah)
            return True
        left_nah = quotas.level(now_ms, QUOTA_ENERGY_NAH) - cost_nah
        return left_nah >= self._reserve_nah and quotas.take(now_ms, QUOTA_ENERGY_NAH, cost_nah)

    def total_uah(self) -> int:
        """Return what was used since the last boot."""
        return min(_UAH_MAX, sum(self.uah))

    def _add(self, state: int, uah: int, nc: int) -> int:
        before_nc = self.rest_nc[state]
        nc += before_nc
        uah += nc // _NC_PER_UAH
        nc %= _NC_PER_UAH
        self.rest_nc[state] = nc
        self.uah[state] = min(_UAH_MAX, self.uah[state] + uah)
        return min(uah, _BUDGET_UAH_MAX) * 1000 + nc // _NC_PER_NAH - before_nc // _NC_PER_NAH

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what a sleeping agent must remember; return where it ends."""
        for state in range(_STATES):
            offset = write_word(buffer, offset, self.uah[state])
            offset = write_word(buffer, offset, self.rest_nc[state])
        offset = write_word(buffer, offset, self._state)
        return write_word(buffer, offset, self._since_ms)

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Bring back what `save_into` wrote; return where it ends."""
        for state in range(_STATES):
            self.uah[state] = read_word(buffer, offset) & _UAH_MAX
            self.rest_nc[state] = read_word(buffer, offset + 4) % _NC_PER_UAH
            offset += 8
        self._state = read_word(buffer, offset) % _STATES
        self._since_ms = read_word(buffer, offset + 4)
        return offset + 8


def break_even_ms(currents_ua: "tuple[int, ...]") -> int:
    """Return from how long a gap on a deep sleep pays for the boot after it, 0 if unknown."""
    saved_ua = currents_ua[_LIGHT_SLEEP] - currents_ua[_DEEP_SLEEP]
    if saved_ua <= 0 or not currents_ua[_ACTIVE]:
        return 0
    return min(_CURRENT_UA_MAX, currents_ua[_ACTIVE]) * BOOT_MS // saved_ua


def _air_us(length: int) -> int:
    return _PREAMBLE_US + 8 * (_AROUND_BYTES + length)
