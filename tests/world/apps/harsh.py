"""An application that does all it should not: it floods, raises, and keeps odd state."""


def setup(agent):
    agent.state.setdefault("log", [])
    counter = {"n": 0}

    @agent.every(700)
    def flood():
        counter["n"] += 1
        for number in range(11):
            agent.publish(
                "flood", [counter["n"], number, counter["n"] / 7, {"k": number, 1: None}]
            )
        agent.state["log"].append(counter["n"])

    @agent.every(1300)
    def broken():
        agent.report("about to fail", {"n": counter["n"]})
        raise RuntimeError("as intended")

    @agent.on("flood")
    def hear(message):
        agent.state[message.source] = message.value[0]
        if message.value[1] == 3:
            agent.actuator("lamp").write(message.value)
            agent.publish("private", message.value[2], to=message.source)

    @agent.on("private")
    def private(message):
        agent.state["private"] = message.value
        return {}["missing"] if message.value > 20 else None
