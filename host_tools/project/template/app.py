"""A greenhouse that waters itself.

Each agent measures its soil every minute and waters when it is too dry. It also waters when
somebody in reach publishes "water". After each watering it rests, so that the soil can soak.

Try it without a board: cma sim app.py --agents 8
"""

DRY_PERMILLE = 350
WATERING_S = 5
REST_S = 15 * 60


def setup(agent):
    """Say what this agent does; called once, when it starts."""
    soil = agent.sensor("soil")  # drivers/soil.py on a board
    pump = agent.actuator("pump")  # drivers/pump.py on a board
    agent.state.setdefault("waterings", 0)  # survives sleep and power loss
    watering_s = 0
    rest_s = 0

    def water():
        nonlocal watering_s, rest_s
        if rest_s == 0:
            watering_s, rest_s = WATERING_S, REST_S
            pump.write(1)
            agent.state["waterings"] += 1
            agent.publish("watering", agent.state["waterings"])

    @agent.every(60_000)
    def measure():
        moisture_permille = soil.read()
        agent.publish("moisture", moisture_permille)
        if moisture_permille < DRY_PERMILLE:
            water()

    @agent.every(1_000)
    def count_down():
        nonlocal watering_s, rest_s
        rest_s = max(0, rest_s - 1)
        if watering_s > 0:
            watering_s -= 1
            if watering_s == 0:
                pump.write(0)

    @agent.on("water")
    def asked(message):
        water()
