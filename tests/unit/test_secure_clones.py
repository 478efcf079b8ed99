"""A copy of a board betrays itself, and a board alone is never accused."""

from kernel.prng import Prng
from kernel.secure.clones import IS_COPIED, IS_DOUBLED, IS_FINE, PEERS_MAX, Clones

KEY, OTHER = b"\x01" * 32, b"\x02" * 32


class Board:
    """Something with a key that reboots: its count is in flash, its number in memory."""

    def __init__(self, prng, boot=0):
        self.prng, self.boot = prng, boot
        self.reboot()

    def reboot(self):
        self.boot += 1
        self.drawn = self.prng.below(1 << 16)

    def prove_to(self, clones, key=KEY, node=7):
        return clones.on_proof(key, node, self.boot, self.drawn)


def test_a_board_alone_is_never_accused():
    for seed in range(40):
        prng = Prng(seed)
        board, clones = Board(prng, 65_530), Clones()
        for _ in range(60):
            if prng.below(3) == 0:
                for _ in range(1 + prng.below(5)):
                    board.reboot()
            assert board.prove_to(clones) == IS_FINE


def test_every_course_of_two_copies_is_told_where_one_board_cannot_explain_it():
    # Three boots or proofs of each: all 4**6 courses. One board explains proofs whose counts
    # never go back and have one number each.
    for course in range(4**6):
        first, clones = Board(Prng(1)), Clones()
        second = Board(Prng(2), first.boot - 1)
        best, numbers = 0, {}
        for step in range(6):
            drawn = course >> 2 * step
            board = second if drawn & 1 else first
            if drawn & 2:
                board.reboot()
            else:
                # The machine knows the last proof only; so a copy, once told, becomes the truth.
                is_copy = board.boot < best or numbers.get(board.boot, board.drawn) != board.drawn
                assert (board.prove_to(clones) == IS_COPIED) == is_copy, course
                best, numbers = board.boot, {board.boot: board.drawn}


def test_two_keys_for_one_node_are_told():
    clones = Clones()
    assert clones.on_proof(KEY, 7, 1, 1) == IS_FINE
    assert clones.on_proof(OTHER, 8, 1, 1) == IS_FINE
    assert clones.on_proof(OTHER, 7, 1, 1) == IS_DOUBLED
    assert clones.on_proof(KEY, 7, 1, 1) == IS_DOUBLED


def test_a_node_that_was_given_another_key_is_told_once_it_is_heard_beside_it():
    clones = Clones()
    clones.on_proof(KEY, 7, 5, 1)
    assert clones.on_proof(KEY, 9, 5, 1) == IS_FINE  # renamed
    assert clones.on_proof(OTHER, 7, 1, 1) == IS_FINE


def test_a_copy_under_another_name_is_told():
    clones = Clones()
    assert clones.on_proof(KEY, 7, 5, 1) == IS_FINE
    assert clones.on_proof(KEY, 8, 5, 2) == IS_COPIED


def test_a_copy_that_takes_the_node_of_another_is_told_as_a_copy():
    for first, second in (((KEY, 7), (OTHER, 8)), ((OTHER, 8), (KEY, 7))):
        clones = Clones()
        clones.on_proof(first[0], first[1], 5, 1)
        clones.on_proof(second[0], second[1], 5, 1)
        assert clones.on_proof(KEY, 8, 4, 1) == IS_COPIED


def test_an_empty_table_accuses_nobody():
    assert Clones().on_proof(KEY, 0, 0, 0) == IS_FINE
    assert Clones().on_proof(KEY, 0, 0x8000, 0xFFFF) == IS_FINE


def peer(number):
    return bytes((number + 1,)) * 32


def test_the_peer_heard_least_recently_is_forgotten():
    clones = Clones()
    for number in range(PEERS_MAX):
        clones.on_proof(peer(number), number, 10, 1)
    clones.on_proof(peer(0), 0, 10, 1)
    clones.on_proof(peer(99), 99, 10, 1)  # takes the place of 1
    for number in [0] + list(range(2, PEERS_MAX)):
        assert clones.on_proof(peer(number), number, 9, 1) == IS_COPIED, number
    assert clones.on_proof(peer(1), 1, 9, 1) == IS_FINE


def test_a_sleep_forgets_nothing():
    clones = Clones()
    for number in range(PEERS_MAX):
        clones.on_proof(peer(number), number, 10, 1)
    buffer = bytearray(Clones.SNAPSHOT_BYTES + 5)
    assert clones.save_into(buffer, 3) == Clones.SNAPSHOT_BYTES + 3
    woken = Clones()
    assert woken.load_from(buffer, 3) == Clones.SNAPSHOT_BYTES + 3
    for number in range(PEERS_MAX):
        assert woken.on_proof(peer(number), number, 10, 2) == IS_COPIED
    assert len(buffer) == Clones.SNAPSHOT_BYTES + 5
