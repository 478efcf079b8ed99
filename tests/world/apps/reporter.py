"""An application that does all that a report shows, and says something hostile in between."""

HOSTILE = "</script><script>document.title = 'taken'</script><img src=x onerror=alert(1)>"


def setup(agent):
    soil = agent.sensor("soil")
    pump = agent.actuator("pump")
    agent.state.setdefault("target", 400)
    agent.state.setdefault("samples", 0)

    @agent.every(30_000)
    def sample():
        agent.state["samples"] += 1
        agent.publish("moisture", soil.read())
        if agent.name == "agent-06" and agent.state["samples"] % 4 == 0:
            pump.write(True)
            agent.report("watered", HOSTILE)
        if agent.name == "agent-02" and agent.state["samples"] == 3:
            raise ValueError("no water")
