"""`machine` of an ESP32: the builtin's names, with the board's hardware in their place."""

from umachine import *  # noqa: F403
from vb.pins import ADC, PWM, Pin
from vb.power import (
    DEEPSLEEP,
    DEEPSLEEP_RESET,
    EXT0_WAKE,
    EXT1_WAKE,
    GPIO_WAKE,
    HARD_RESET,
    PIN_WAKE,
    PWRON_RESET,
    RTC,
    SLEEP,
    SOFT_RESET,
    TIMER_WAKE,
    TOUCHPAD_WAKE,
    ULP_WAKE,
    WDT,
    WDT_RESET,
    bootloader,
    deepsleep,
    freq,
    lightsleep,
    reset,
    reset_cause,
    sleep,
    unique_id,
    wake_reason,
)
from vb.registers import mem32
from vb.timers import Timer
from vb.uart import UART


def disable_irq():
    """Return the state to restore: nothing interrupts Python code here."""
    return 0


def enable_irq(state):
    """Do nothing."""


__all__ = (
    "ADC",
    "DEEPSLEEP",
    "DEEPSLEEP_RESET",
    "EXT0_WAKE",
    "EXT1_WAKE",
    "GPIO_WAKE",
    "HARD_RESET",
    "PIN_WAKE",
    "PWM",
    "PWRON_RESET",
    "RTC",
    "SLEEP",
    "SOFT_RESET",
    "TIMER_WAKE",
    "TOUCHPAD_WAKE",
    "UART",
    "ULP_WAKE",
    "WDT",
    "WDT_RESET",
    "Pin",
    "Timer",
    "bootloader",
    "deepsleep",
    "freq",
    "lightsleep",
    "mem32",
    "reset",
    "reset_cause",
    "sleep",
    "unique_id",
    "wake_reason",
)
