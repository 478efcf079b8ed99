"""What the two slots of a board can be, and what each event makes of one: the whole table.

A slot that is running is never written to; one on trial is left when its tries are used up.

Input    Slot.follow(event)
Effects  none
Bounds   TRIAL_UNITS of tries
"""

from .manifest import Manifest

EMPTY, FILLING, WHOLE, TRIAL, CONFIRMED, REJECTED = range(6)
STATE_NAMES = "empty filling whole trial confirmed rejected"

BEGIN = 0  # a release that was taken is to be fetched into it
FILLED = 1  # all of it reads back as signed
START = 2  # somebody wants it tried
HEALTHY = 3  # the signs are there
GIVE_UP = 4  # they are not, and its tries are used up
DAMAGED = 5  # it no longer reads as signed; what vouches for it does, so it can be mended
LOST = 6  # nor does that
DROP = 7  # the keys that vouched for it are revoked
FOUND = 8  # without a journal: it proved itself
FOUND_NEWER = 9  # so it did, and the other slot is there to go back to
EVENTS = 10

# fmt: off
TRANSITIONS = (
    # BEGIN, FILLED, START, HEALTHY, GIVE_UP, DAMAGED, LOST, DROP, FOUND, FOUND_NEWER
    FILLING, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, CONFIRMED, TRIAL,  # EMPTY
    FILLING, WHOLE, FILLING, FILLING, FILLING, FILLING, EMPTY, EMPTY, FILLING, FILLING,  # FILLING
    FILLING, WHOLE, TRIAL, WHOLE, WHOLE, FILLING, EMPTY, EMPTY, WHOLE, WHOLE,  # WHOLE
    TRIAL, TRIAL, TRIAL, CONFIRMED, REJECTED, FILLING, EMPTY, EMPTY, TRIAL, TRIAL,  # TRIAL
    FILLING, CONFIRMED, CONFIRMED, CONFIRMED, CONFIRMED, FILLING, EMPTY, CONFIRMED, CONFIRMED,
    CONFIRMED,  # CONFIRMED
    FILLING, REJECTED, REJECTED, REJECTED, REJECTED, REJECTED, REJECTED, EMPTY, REJECTED,
    REJECTED,  # REJECTED
)
# fmt: on

# What a boot takes from the tries of a trial. Power that comes and goes says little of a release.
COST_ORDERLY, COST_POWER, COST_UNCLEAN = 0, 1, 4
TRIAL_UNITS = 3 * COST_UNCLEAN


class Slot:
    """One slot: its state, and what its manifest says of the image in it.

    Units: `left` of TRIAL_UNITS.
    Shape: `document` is the digest that names the manifest, `digest` that of the image.
    """

    def __init__(self) -> None:
        self.state = EMPTY
        self.left = 0
        self.document = b""
        self.digest = b""
        self.size_bytes = self.sequence = self.security_counter = 0

    def follow(self, event: int) -> bool:
        """Take an event; tell whether it changed the state."""
        before = self.state
        self.state = TRANSITIONS[before * EVENTS + event]
        if self.state == TRIAL != before:
            self.left = TRIAL_UNITS
        return self.state != before

    def hold(self, document: bytes, manifest: Manifest) -> None:
        """Take over what a manifest says."""
        self.document = document
        self.digest, self.size_bytes = manifest.digest, manifest.size_bytes
        self.sequence = manifest.sequence
        self.security_counter = manifest.security_counter

    def manifest(self) -> Manifest:
        """Return what is held of the manifest."""
        manifest = Manifest(self.sequence, b"", self.digest, self.size_bytes)
        manifest.security_counter = self.security_counter
        return manifest
