"""Light the way: whoever sees somebody tells the others, and all lamps are on for a while.

Each board has a motion sensor `motion` (0 or 1) and a lamp `light`; a board without one of them
leaves out the half that it cannot do. No board is in charge, so any of them may fail.
Try it: cma sim presence_light.py --sensor motion=1
"""

STAY_ON_S = 30


def setup(agent):
    light = agent.actuator("light")
    left = {"seconds": 0}  # plain memory: after a power loss the lamp may start dark

    def someone_is_here():
        left["seconds"] = STAY_ON_S
        light.write(True)

    @agent.every(1_000)
    def count_down():
        if left["seconds"]:
            left["seconds"] -= 1
            if not left["seconds"]:
                light.write(False)

    @agent.on("presence")
    def elsewhere(message):
        someone_is_here()

    try:
        motion = agent.sensor("motion")
    except LookupError:
        return  # a lamp only: it listens

    @agent.every(500)
    def look():
        # Tell the others at most every few seconds: the air is shared.
        if motion.read() == 1 and left["seconds"] <= STAY_ON_S - 5:
            agent.publish("presence", agent.name)
            someone_is_here()
