"""An application that trusts its state: a critical count, a key that comes and goes, a maximum."""


def setup(agent):
    state = agent.state
    state.critical("count")
    state.setdefault("count", 0)
    state.setdefault("highest", int(agent.name[-2:]))

    @agent.every(3_000)
    def count():
        state["count"] += 1
        agent.publish("count", state["count"])

    @agent.every(7_000)
    def tell():
        if "odd" in state:
            del state["odd"]
        else:
            state["odd"] = [state["count"], "x" * 40]
        agent.publish("highest", state["highest"])

    @agent.on("highest")
    def hear(message):
        value = message.value
        if isinstance(value, int) and state["highest"] < value < 1_000:
            state["highest"] = value
