"""What fuzzing starts from, and what it once found: taken as it should be, on both runtimes."""

from importlib import import_module

import pytest
from fuzz.catalogue import PARSERS, Parser
from fuzz.hunting import cases, differing


def _inputs(parser: Parser) -> list[bytes]:
    return [b"", b"\x00", *import_module(parser.module).seeds(), *cases(parser.name)]


@pytest.mark.parametrize("name", PARSERS)
def test_good_inputs_and_found_ones_are_taken_as_they_should_be(name: str) -> None:
    parser = PARSERS[name]
    take = import_module(parser.module).take
    inputs = _inputs(parser)
    outcomes = [take(data) for data in inputs]
    assert any(outcomes), "none of the inputs gets inside"
    assert max(map(len, inputs)) <= parser.bytes_max
    if not parser.is_host:
        assert differing(parser, inputs) == []
