"""An application for tests: says again at once what it hears, so that it goes from hop to hop."""


def setup(agent):
    newest = {}
    agent.state.setdefault("told", 0)

    @agent.every(1_700)
    def tell():
        agent.state["told"] += 1
        agent.publish("beat", [agent.name, agent.state["told"]])

    @agent.on("beat")
    def hear(message):
        who, number = message.value
        if newest.get(who, 0) < number:
            newest[who] = number
            agent.publish("beat", [who, number])
