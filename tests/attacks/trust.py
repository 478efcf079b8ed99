"""Classes 37 to 64 of bad input, on what protects frames and keys; and named attacks of the past.

A test `test_trust_NN_words` is of a class: it is made by `attack`, so it fails against our code
and succeeds against each build that lacks one check. A named attack is what befell others.

Source   our own list of classes; each named attack says where it was seen
"""

import re
from collections.abc import Iterable
from pathlib import Path

CLASSES = """
no code
wrong key
every bit of the code flipped
every bit of the ciphertext flipped
every bit of the header flipped
replay at once
replay after a reboot
counter that wraps
counter that jumps
reflection
one key under two nodes
boot with little entropy
nonce used again after a loss of power
key overwritten by an empty one
flood that evicts peers
default or known key
forged acknowledgement
replay of a join
ten times the rate from one peer
thousand invented nodes
flood of wake-ups
more peers than there is room for
more than a tenth of the air time
clock that is off
bombs of names, tombstones and counts
number that no later one can follow
digest that lies
digests that never add up"""
FIRST = 37
TITLES = dict(enumerate(CLASSES.strip().splitlines(), FIRST))

# File and test → what it was.
NAMED = {
    ("test_frames", "what_drops_duplicates_is_no_protection_from_replay"): "Meshtastic #4030",
    ("test_frames", "a_stream_without_a_code_is_turned_into_any_text"): "Meshtastic #4030",
    ("test_frames", "a_header_that_nobody_authenticates_is_changed"): "LoRaWAN, relabelled frames",
    ("test_frames", "a_counter_that_the_power_resets_gives_two_messages_away"): "LoRaWAN with ABP",
    ("test_frames", "an_empty_key_takes_the_place_of_a_good_one"): "Meshtastic #6372",
    ("test_frames", "a_flood_of_peers_drives_out_the_one_that_matters"): "Meshtastic #4541",
    ("test_frames", "a_frame_is_thrown_back_at_its_sender"): "reflection",
    ("test_frames", "a_member_votes_for_others"): "LoRaWAN, false delivery reports",
    ("test_frames", "a_number_far_ahead_shuts_out_its_owner"): "window poisoning",
    ("test_frames", "who_was_excluded_goes_on"): "keys that are never changed",
    ("test_frames", "one_secret_under_two_names_makes_one_of_two_peers"): "CVE-2025-52464",
    ("test_calls", "a_node_agrees_with_itself"): "Selfie, on TLS 1.3 with shared keys",
    ("test_calls", "a_key_is_installed_again"): "KRACK, CVE-2017-13077",
    ("test_calls", "anybody_ends_a_session"): "deauthentication in 802.11",
    ("test_calls", "trust_54_an_earlier_call_is_said_again"): "LoRaWAN 1.0, join requests",
    ("test_calls", "whoever_calls_need_not_prove_who_he_is"): "BIAS, CVE-2020-10135",
    ("test_calls", "a_member_calls_in_the_name_of_another"): "unknown key share",
    ("test_calls", "what_resumes_outlives_the_certificate"): "CVE-2025-23419",
    ("test_calls", "who_is_blamed_is_put_aside"): "CVE-2007-4321",
    ("test_calls", "the_first_answer_counts_whoever_gave_it"): "races of forged answers",
    ("test_sieges", "calls_use_up_a_battery"): "sleep deprivation",
    ("test_sieges", "trust_55_one_peer_at_ten_times_the_rate"): "flood of one peer",
    ("test_sieges", "trust_56_a_thousand_invented_nodes"): "SYN flood",
    ("test_sieges", "one_cookie_pays_for_many"): "cookies that are not bound",
    ("test_sieges", "forged_frames_have_nodes_call_each_other"): "LoRaWAN, battery exhaustion",
    ("test_sieges", "trust_51_a_flood_of_members_that_evicts_peers"): "gossipsub, eclipse",
}

NAMED_MIN = 20
TEST = re.compile(r"test_trust_(\d\d)_\w+\[(.+)\]")


def named_shown(passed: Iterable[tuple[str, str]], failed: Iterable[tuple[str, str]]) -> int:
    """Return how many named attacks are shown by tests, each given as file and name.

    What fails in one of its forms is not shown.
    """
    return len(set(NAMED) & _plain(passed) - _plain(failed))


def _plain(tests: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(file, name.removeprefix("test_").partition("[")[0]) for file, name in tests}


def files() -> list[str]:
    """Return the files that have these tests."""
    names = {file for file, _ in NAMED}
    folder = Path(__file__).parent
    names |= {path.stem for path in folder.glob("test_*.py") if "test_trust_" in path.read_text()}
    return [f"tests/attacks/{name}.py" for name in sorted(names)]
