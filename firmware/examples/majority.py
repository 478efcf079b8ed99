"""Agree without a leader: is it too warm? One broken thermometer must not decide that.

Every agent shares its reading and takes the median of all that it heard lately. The fan follows
the median, so all fans agree, and one agent that reads nonsense is outvoted.
Try it: cma sim majority.py --agents 5 --sensor temperature=27
"""

TOO_WARM = 26  # whole degrees: agents compare whole numbers, which are the same on every chip
ROUNDS_REMEMBERED = 3  # a neighbour that was silent for longer has no vote


def setup(agent):
    thermometer = agent.sensor("temperature")
    fan = agent.actuator("fan")
    readings = {}  # name → [value, rounds since it was heard]

    @agent.on("temperature")
    def heard(message):
        if isinstance(message.value, int):  # anything may arrive; take only what makes sense
            readings[message.source] = [message.value, 0]

    @agent.every(5_000)
    def decide():
        own = int(thermometer.read())
        agent.publish("temperature", own)

        for name in list(readings):
            readings[name][1] += 1
            if readings[name][1] > ROUNDS_REMEMBERED:
                del readings[name]

        votes = sorted([own] + [value for value, _age in readings.values()])
        median = votes[len(votes) // 2]
        warm = median > TOO_WARM
        if warm != agent.state.get("warm"):
            agent.state["warm"] = warm
            agent.report("too warm" if warm else "fine", median)
        fan.write(warm)
