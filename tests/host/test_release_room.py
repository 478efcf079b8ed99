"""How much boards can gather before an image: what the host says of it is what boards do."""

import random
from pathlib import Path

import pytest

from cma_toolkit.firmware.kernel.release import gathering, layout, talk
from cma_toolkit.firmware.kernel.release.index import BLOCK_BYTES
from cma_toolkit.firmware.kernel.release.installation import Installation
from cma_toolkit.firmware.kernel.release.intake import Intake
from cma_toolkit.firmware.kernel.release.manifest import Board
from cma_toolkit.firmware.kernel.release.region import Region
from cma_toolkit.firmware.kernel.release.slots import COST_ORDERLY
from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.host_tools.cli.release_options import KEYS_MAX
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.image.build import SLOT_BYTES, Image
from cma_toolkit.host_tools.release import artefact, documents, lms_key, room
from cma_toolkit.host_tools.release.artefact import Numbers
from cma_toolkit.host_tools.release.lms_key import SHIPPED, ParameterSet
from cma_toolkit.host_tools.release.published import Published, inflate
from support.release_office import ONE_EACH, Clock, office_in, refusal
from support.release_signers import (
    CLASS_ID,
    LATER_S,
    MPY,
    NOW_S,
    SMALL,
    Signer,
    role,
    root,
    signed,
)
from support.updating import SECTORS, RomfsFlash, part_of

KEYS = [Signer(seed) for seed in range(20, 23)]
TIMESTAMPS = [Signer(seed) for seed in range(30, 33)]
BLOCKS = SLOT_BYTES // BLOCK_BYTES


def release(blocks: int, releases: int, timestamps: int) -> tuple[Published, bytes]:
    """Return an image with so many signatures of each kind, and the root that asks for them."""
    data = random.Random(blocks).randbytes(blocks * BLOCK_BYTES)
    payload, _ = documents.open_envelope(part_of(data, 2).envelope)
    part = artefact.Part("", signed(payload, KEYS[:releases]), data)
    said = documents.timestamp(1, NOW_S, LATER_S, [part.digest])
    first = root(
        root=role(1, KEYS[0]),
        release=role(releases, *KEYS),
        timestamp=role(timestamps, *TIMESTAMPS),
    ).to_bytes()
    stamp = signed(said, TIMESTAMPS[:timestamps])
    return Published(part, stamp, {1: documents.envelope(first)}), first


def comes_to_blocks(made: Published, first: bytes) -> bool:
    """Tell whether a board that is sent what it wants gets through the documents."""
    flash = RomfsFlash()
    journal = Journal(Region(flash, layout.journal_at(SECTORS), layout.JOURNAL_SECTORS))
    journal.recover()
    board = Installation(flash, JournalTable(journal), first)
    board.boot(COST_ORDERLY)
    kind = Board((CLASS_ID,), layout.image_bytes(SECTORS), MPY)
    intake = Intake(board, kind, None, inflate)
    intake.begin([1, 2, made.digest, made.class_tag, 1, [], []])
    for _ in range(9):
        for part in sorted(intake.wanted()):
            if intake.holding is not None or part not in intake.wanted():
                continue
            coded = made.coded(part, 0)
            assert coded is not None
            size = len(coded[1])
            for index in range(talk.piece_count(size)):
                piece = talk.piece_of(coded[1], index)
                done = intake.gathering.take(7, part, coded[0], size, index, piece)
                if done is not None:
                    intake.take(done)
    assert not intake.reason
    return intake.holding is not None


def sizes(made: Published) -> tuple[int, int, int]:
    parts = (talk.PART_INDEX, talk.PART_ENVELOPE, talk.PART_TIMESTAMP)
    found = [made.coded(part, 0) for part in parts]
    index, envelope, timestamp = (len(coded[1]) for coded in found if coded)
    return index, envelope, timestamp


@pytest.mark.parametrize("releases", [1, 2, 3])
@pytest.mark.parametrize("timestamps", [1, 2, 3])
def test_what_has_room_boards_come_to_have(releases: int, timestamps: int) -> None:
    _, envelope, timestamp = sizes(release(1, releases, timestamps)[0])
    most = room.image_bytes_max(envelope, timestamp) // BLOCK_BYTES
    for blocks in {1, most, most + 1, BLOCKS}:
        if not 1 <= blocks <= BLOCKS:
            continue
        made, first = release(blocks, releases, timestamps)
        assert room.has_room(*sizes(made)) == (blocks <= most)
        assert comes_to_blocks(made, first) == (blocks <= most)


def test_documents_that_come_together_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    assert room.at_once_bytes(100, 2_000, 10) >= 2_100
    assert room.at_once_bytes(100, 2_000, 9_000) >= 9_000
    assert not room.has_room(32, talk.PART_BYTES_MAX + 1, 32)
    assert room.image_bytes_max(talk.PART_BYTES_MAX, talk.PART_BYTES_MAX + 1) == 0
    envelope, timestamp = 1_700, 1_700
    assert room.image_bytes_max(envelope, timestamp) == SLOT_BYTES
    least = room.at_once_bytes(32, envelope, timestamp)
    for more, blocks in ((-1, 0), (0, 1), (31, 1), (32, 2)):
        monkeypatch.setattr(gathering, "GATHERED_BYTES_MAX", least + more)
        assert room.image_bytes_max(envelope, timestamp) == blocks * BLOCK_BYTES


def image(blocks: int) -> Image:
    data = random.Random(blocks).randbytes(blocks * BLOCK_BYTES)
    return Image(data, "greenhouse", "5ca1ab1e", "", {})


def test_keys_whose_signatures_leave_no_room_for_an_image_are_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = office_in(tmp_path, Clock())
    envelope, timestamp = (SMALL.signature_bytes + more for more in (400, 600))
    least = room.at_once_bytes(BLOCKS * 32, envelope, timestamp)  # more than one signature each
    monkeypatch.setattr(gathering, "GATHERED_BYTES_MAX", least)
    said = refusal(
        ExitCode.USAGE, lambda: office.begin({**ONE_EACH, "release": (1, 1), "timestamp": (2, 3)})
    )
    assert "With --release 1/1 and --timestamp 2/3 boards have no room" in said
    assert "such as --timestamp 1/3." in said
    assert not office.keys.names() and not office.repository.roots()
    office.begin({**ONE_EACH, "timestamp": (1, 3)})


@pytest.mark.parametrize("releases", range(1, KEYS_MAX + 1))
def test_with_keys_as_they_are_shipped_the_advice_of_the_refusal_helps(releases: int) -> None:
    room.check_counts({"release": (releases, KEYS_MAX), "timestamp": (1, KEYS_MAX)}, SHIPPED)


def test_foreseen_sizes_are_those_of_signatures() -> None:
    for parameters in (SMALL, ParameterSet(10, 7), ParameterSet(5, 4)):
        key = lms_key.generate(parameters, bytes)
        signature = lms_key.sign(key, 0, b"", bytes(parameters.hash_bytes))
        assert len(signature) == parameters.signature_bytes
        assert lms_key.parameters_of(lms_key.public_key(key)) == parameters
    assert SHIPPED.signature_bytes == 1_504  # as the kernel's pages say


def test_an_image_that_never_comes_to_a_board_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = office_in(tmp_path, Clock())
    office.begin(ONE_EACH)
    made = artefact.make("greenhouse", [image(9)], "6.3", Numbers(1))
    whole, _ = office.sign_release(made)
    office.publish(whole)
    stamp = office.repository.read(office.repository.folder / "timestamp.cbor")
    envelope, root = whole.parts[0].envelope, office.repository.newest_root()
    # What is foreseen of an unsigned one is what comes, but for the few bytes of small numbers.
    at_once = room.at_once_bytes(9 * 32, len(envelope), len(stamp))
    monkeypatch.setattr(gathering, "GATHERED_BYTES_MAX", at_once + 8)
    left = office.keys.left("timestamp")
    for one in (made, whole):
        room.check_release(root, one)
    monkeypatch.setattr(gathering, "GATHERED_BYTES_MAX", at_once - 1)
    for call in (
        office.refresh,
        lambda: office.publish(whole),
        lambda: room.check_release(root, made),
    ):
        said = refusal(ExitCode.REFUSED, call)
        assert "an image of 36864 bytes: make it 32768 at most." in said
    monkeypatch.setattr(gathering, "GATHERED_BYTES_MAX", 1_000)
    said = refusal(ExitCode.REFUSED, lambda: office.publish(whole))
    assert "no room for any" in said and "cma release init" in said and "cma flash" in said
    assert office.keys.left("timestamp") == left
