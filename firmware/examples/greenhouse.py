"""Water the plants: each agent with a pump waters when its own soil is dry.

On a board, put `drivers/soil.py` and `drivers/pump.py` beside this file, or name the pins in
fleet.toml: settings `sensor.soil` and `actuator.pump`.
Try it without one: cma sim greenhouse.py --sensor soil=250
"""

DRY = 300  # what your sensor reads in soil that needs water
WET = 450  # stop here: the gap keeps the pump from chattering


def setup(agent):
    soil = agent.sensor("soil")
    pump = agent.actuator("pump")

    # What is in `state` survives power loss: after one, watering goes on where it stopped.
    agent.state.setdefault("watering", False)
    agent.state.setdefault("waterings", 0)
    pump.write(agent.state["watering"])

    def water(on):
        if on != agent.state["watering"]:
            agent.state["watering"] = on
            agent.state["waterings"] += 1 if on else 0
            pump.write(on)
            agent.report("watering", on)

    @agent.every(10_000)  # milliseconds
    def look():
        moisture = soil.read()
        agent.publish("moisture", moisture)
        if moisture < DRY:
            water(True)
        elif moisture > WET:
            water(False)

    @agent.on("water")  # anyone in reach may ask: agent.publish("water", True)
    def asked(message):
        water(bool(message.value))
