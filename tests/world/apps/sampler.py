"""An application for sleepers: a report in each window, and a count that outlives deep sleep."""

starts = []  # of this file's own: a board forgets it whenever it boots


def setup(agent):
    starts.append(agent.name)
    agent.report("starts", len(starts))
    agent.state.setdefault("samples", 0)
    agent.state.setdefault("heard", 0)

    @agent.every(60_000)
    def sample():
        agent.state["samples"] += 1
        agent.publish("sample", agent.state["samples"])

    @agent.on("sample")
    def hear(message):
        agent.state["heard"] += 1
