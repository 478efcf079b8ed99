"""Every bound of the kernel in one place, with its unit and what it costs.

Bytes are those of a 32-bit board. A bound that is reached is counted, never an error by itself.
"""

FRAME_BYTES_MAX = 250  # one ESP-NOW payload, the smallest of the links
HEADER_BYTES = 14  # leaves 8 for a COSE tag within the 24 that header and protection may take
PAYLOAD_BYTES_MAX = 236  # FRAME_BYTES_MAX - HEADER_BYTES
HOP_LIMIT_MAX = 15  # four bits of the header
NODE_ID_BITS = 30  # a small int on every board, so that comparing ids allocates nothing

NAME_BYTES_MAX = 32  # of an agent
TOPIC_BYTES_MAX = 32  # of a message; the rest of the payload is the value
PING_BYTES_MAX = 32  # of a ping's payload, echoed as it came

MESSAGE_BYTES_MAX = 1_024  # of a payload that is cut into fragments; one buffer per reassembly
FRAGMENT_BYTES = 216  # of a payload in each fragment but the last: 10 stay free for protection
FRAGMENTS_MAX = 5  # of one message: MESSAGE_BYTES_MAX / FRAGMENT_BYTES, rounded up
REASSEMBLIES_MAX = 2  # messages that arrive in fragments at once, one per sender; 1 KB each
REASSEMBLY_MS_MAX = 2_000  # from a message's first fragment to its last; then it is released

OUTBOX_FRAMES_MAX = 8  # that wait to be sent; with the spare one 2.2 KB of buffers
REQUESTS_MAX = 8  # that wait for an answer, 20 B each
DEADLINE_MS_MAX = 86_400_000  # of a request: a day, the longest wake period
NEIGHBOURS_MAX = 32  # 35 B each, and its name; in a larger crowd the regulars keep their rows
NEIGHBOUR_SILENT_MS_MAX = 35_000  # three announcements missed, and half a period
SEQUENCE_WINDOW = 16  # frames that may arrive late; one 16-bit word per neighbour and cast
SEQUENCE_JUMP_MAX = 1_024  # a longer gap is a restarted sender, not a loss
STALE_FRAMES_MAX = 3  # in a row from behind the window, then the sender did restart

TIMERS_MAX = 16  # `every` calls of one application, 40 B each
HANDLERS_MAX = 32  # `on` calls of one application, 48 B each
PERIOD_MS_MIN = 10  # a shorter timer would starve the radio
PERIOD_MS_MAX = (1 << 28) - 1  # half the tick period: 3.1 days

CBOR_DEPTH_MAX = 8  # nested arrays and maps; one C stack frame of the interpreter each
STATE_BYTES_MAX = 1_024  # `agent.state`, keys and encoded values together
STATE_KEY_BYTES_MAX = 32  # of `agent.state`
STATE_DELAY_MS = 1_000  # from a change of a key that is not critical to its commit, at most
ANNOUNCE_MS = 10_000  # from one announcement to the next, give or take the jitter
ANNOUNCE_JITTER_MS = 2_000  # keeps boards that were powered together apart
EXPIRE_MS = 5_000  # from one look for silent neighbours to the next
ANNOUNCE_SOON_MS = 800  # from a new neighbour to our announcement, which tells it our name
TELEMETRY_MS = 30_000  # one frame of 14 B and a map of seven integers

# Settings of the schedule
WAKE_PERIOD_MS_MIN = 1_000  # from one window to the next
WAKE_PERIOD_MS_MAX = 86_400_000  # a day; ticks allow three
LISTEN_MS_MAX = 10_000  # of one window
