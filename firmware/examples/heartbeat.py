"""Count your own heartbeats and those you hear, and never forget the count.

The smallest application that uses a timer, the radio and the flash. `cma demo` runs it, and takes
a board's power in the middle of one of its writes.

Try it: cma sim firmware/examples/heartbeat.py --agents 8
"""

BEAT_MS = 10_000


def setup(agent):
    """Say what this agent does; called once, when it starts."""
    agent.state.setdefault("beats", 0)  # survives sleep and power loss
    heard = 0

    @agent.every(BEAT_MS)
    def beat():
        agent.state["beats"] += 1
        agent.publish("beat", agent.state["beats"])

    @agent.on("beat")
    def hear(message):
        nonlocal heard
        heard += 1
