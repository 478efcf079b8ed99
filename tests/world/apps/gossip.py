"""An application for tests: says much, and answers each whom it hears, frame by frame."""

LONG = "x" * 150


def setup(agent):
    agent.state.setdefault("thanks", 0)

    @agent.every(1_200)
    def talk():
        agent.publish("talk", LONG)

    @agent.on("talk")
    def hear(message):
        agent.publish("thanks", LONG, to=message.source)

    @agent.on("thanks")
    def count(message):
        agent.state["thanks"] += 1
