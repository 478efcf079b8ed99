"""Whatever a medium and who meddles do: both ends or neither, and all speak again afterwards."""

from support.call_faults import both_call, trial

SEEDS = 2  # many more: `make figure NAME=call_recovery`


def test_all_speak_again_when_faults_stop():
    for seed in range(SEEDS):
        trial(seed, is_meddled=False)


def test_all_speak_again_whatever_was_forged_and_replayed():
    for seed in range(SEEDS):
        trial(100 + seed, is_meddled=True)


def test_two_that_call_each_other_join_whichever_messages_are_lost():
    for bits in range(1 << 5):
        both_call(bits)
