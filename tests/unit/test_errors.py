"""Event numbers are an interface: each has its name, and none is used twice."""

from kernel import errors

NUMBERS = {
    "EVENT_STARTED": (0, "started"),
    "EVENT_NEIGHBOUR_JOINED": (1, "neighbour joined"),
    "EVENT_NEIGHBOUR_LEFT": (2, "neighbour left"),
    "EVENT_STORE_DAMAGED": (3, "store damaged"),
    "EVENT_STORE_FAILED": (4, "store failed"),
    "EVENT_NAME_TAKEN": (5, "name taken"),
    "EVENT_FRAGMENT_CONFLICT": (6, "fragment conflict"),
    "EVENT_RESUMED": (7, "resumed"),
    "EVENT_SNAPSHOT_LOST": (8, "snapshot lost"),
    "EVENT_POWER_MODE": (9, "power mode"),
    "EVENT_SAFE_MODE": (10, "safe mode"),
    "EVENT_SAFE_MODE_LEFT": (11, "safe mode left"),
}


def test_numbers_stay_what_they_are():
    for name, (number, shown) in NUMBERS.items():
        assert getattr(errors, name) == number
        assert errors.name_of(errors.EVENT_NAMES, number) == shown


def test_every_event_is_in_this_list():
    found = [name for name in dir(errors) if name.startswith("EVENT_") and name != "EVENT_NAMES"]
    assert sorted(found) == sorted(NUMBERS)
    assert len(errors.EVENT_NAMES.split("\n")) == len(NUMBERS)


def test_every_reason_for_a_drop_has_a_name():
    reasons = [getattr(errors, name) for name in dir(errors) if name.startswith("DROP_")]
    numbers = sorted([reason for reason in reasons if isinstance(reason, int)])
    assert numbers == list(range(1, errors.DROP_REASONS + 1))  # the last is their count
    assert len(errors.DROP_NAMES.split("\n")) == errors.DROP_REASONS
