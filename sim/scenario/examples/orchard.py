"""Tell how light it is, once a minute: an application for agents that sleep in between."""


def setup(agent):
    light = agent.sensor("light")
    agent.state.setdefault("samples", 0)

    @agent.every(60_000)
    def sample():
        agent.state["samples"] += 1
        agent.publish("light", light.read())
