"""Which row is which board: by MAC, by an earlier run, by the board's word, else by request."""

from cma_toolkit.host_tools.fleet.inventory import Row
from cma_toolkit.host_tools.provision.binding import How, Ledger, Seen

CHIPS = {"devkit": "esp32", "mini": "esp32c3", "xiao": "esp32c3"}
A, B, C = (f"a4:cf:12:00:00:0{number}" for number in range(1, 4))


def row(name: str, board: str = "", mac: str = "") -> Row:
    return Row(2, name, board, mac, (), "c", "", {})


def bind(
    rows: list[Row],
    boards: list[Seen],
    claims: dict[str, str] | None = None,
    assign: bool = False,
) -> dict[str, tuple[str, How]]:
    bound = Ledger(rows, claims or {}, CHIPS).bind(boards, assign=assign)
    return {mac: (found.row.name, found.how) for mac, found in bound.items()}


def test_the_inventorys_mac_wins_over_all_else() -> None:
    rows = [row("one"), row("two", mac=A)]
    assert bind(rows, [Seen(A, "esp32", "one")], {A: "one"}) == {A: ("two", How.INVENTORY)}


def test_an_earlier_run_is_remembered() -> None:
    assert bind([row("one"), row("two")], [Seen(A, "esp32")], {A: "two"}) == {
        A: ("two", How.DATABASE)
    }


def test_an_earlier_run_does_not_bind_a_row_that_now_names_another_mac() -> None:
    assert bind([row("one", mac=B)], [Seen(A, "esp32", "one")], {A: "one"}) == {}


def test_a_board_is_taken_at_its_word_where_the_database_is_gone() -> None:
    assert bind([row("one")], [Seen(A, "esp32", "one")]) == {A: ("one", How.BOARD)}
    assert bind([row("one")], [Seen(A, "esp32", "one")], {B: "one"}) == {}


def test_of_two_boards_with_one_name_the_first_keeps_it() -> None:
    twins = [Seen(A, "esp32", "one"), Seen(B, "esp32", "one")]
    assert bind([row("one")], twins) == {A: ("one", How.BOARD)}


def test_free_rows_are_given_in_order_and_only_on_request() -> None:
    rows = [row("one", mac=C), row("two"), row("three"), row("four")]
    boards = [Seen(A, "esp32"), Seen(B, "esp32")]
    assert bind(rows, boards, {C: "two"}) == {}
    assert bind(rows, boards, {C: "two"}, assign=True) == {
        A: ("three", How.ASSIGNED),
        B: ("four", How.ASSIGNED),
    }


def test_a_known_board_keeps_its_row_before_free_rows_are_given() -> None:
    boards = [Seen(A, "esp32"), Seen(B, "esp32", "one")]
    assert bind([row("one"), row("two")], boards, assign=True) == {
        A: ("two", How.ASSIGNED),
        B: ("one", How.BOARD),
    }


def test_a_free_row_is_given_to_a_board_of_its_kind() -> None:
    rows = [row("one", "devkit"), row("two", "mini"), row("three", "xiao"), row("four")]
    assert bind(rows, [Seen(A, "esp32c3")], assign=True) == {A: ("two", How.ASSIGNED)}
    flashed = [Seen(A, "esp32c3", board_id="xiao")]
    assert bind(rows, flashed, assign=True) == {A: ("three", How.ASSIGNED)}
    assert bind(rows, [Seen(A, "esp32s3")], assign=True) == {A: ("four", How.ASSIGNED)}
    assert bind(rows[:3], [Seen(A, "esp32s3")], assign=True) == {}


def test_a_blank_board_is_flashed_as_the_next_free_row_of_its_chip_wants() -> None:
    rows = [row("one", "mini", mac=A), row("two", "xiao"), row("three", "mini"), row("four")]
    assert Ledger(rows, {}, CHIPS).next_boards() == {"esp32c3": "xiao"}
    assert Ledger(rows, {B: "two"}, CHIPS).next_boards() == {"esp32c3": "mini"}
    assert Ledger(rows, {B: "two"}, CHIPS).free_count() == 2
