"""An application for tests: counts what it hears and keeps it."""


def setup(agent):
    lamp = agent.actuator("lamp")
    agent.state.setdefault("heard", 0)

    @agent.every(1_000)
    def talk():
        agent.publish("talk", agent.sensor("level").read())

    @agent.on("talk")
    def hear(message):
        agent.state["heard"] += 1
        lamp.write(message.value)
