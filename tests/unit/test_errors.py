"""Event numbers are an interface: each has its name, and none is used twice."""

from kernel import errors

NUMBERS = {
    "EVENT_STARTED": (0, "started"),
    "EVENT_NEIGHBOUR_JOINED": (1, "neighbour joined"),
    "EVENT_NEIGHBOUR_LEFT": (2, "neighbour left"),
    "EVENT_STORE_DAMAGED": (3, "store damaged"),
    "EVENT_STORE_FAILED": (4, "store failed"),
    "EVENT_NAME_TAKEN": (5, "name taken"),
}


def test_numbers_stay_what_they_are():
    for name, (number, shown) in NUMBERS.items():
        assert getattr(errors, name) == number
        assert errors.EVENT_NAMES[number] == shown


def test_every_event_is_in_this_list():
    found = [name for name in dir(errors) if name.startswith("EVENT_") and name != "EVENT_NAMES"]
    assert sorted(found) == sorted(NUMBERS) and len(errors.EVENT_NAMES) == len(NUMBERS)
