"""An agent that is a process of this computer, and one on a virtual board with Wi-Fi."""

import uuid
from pathlib import Path

from support.agent_process import AgentProcess
from support.board_records import AgentBoard
from support.virtual import VirtualBoards

APP = """
def setup(agent):
    @agent.every(200)
    def talk():
        agent.publish("hello", agent.name)
        agent.publish("for you", 1, to="computer")
        agent.publish("for you", 2, to="board")

    @agent.on("hello")
    def hello(message):
        agent.report("heard", message.value)

    @agent.on("for you")
    def private(message):
        agent.report("private", message.value)
"""


def test_a_process_and_a_board_hear_each_other(
    shared_boards: VirtualBoards, tmp_path: Path
) -> None:
    cluster = f"mixed-{uuid.uuid4().hex}"
    wifi = {"wifi_ssid": "cma-lab", "wifi_password": "cma-lab-password"}
    board = AgentBoard(shared_boards, "board", APP, cluster=cluster, **wifi)
    options = ("--name", "computer", "--cluster", cluster)
    with AgentProcess(tmp_path / "a", APP, *options) as process:
        process.wait(lambda f: f.get("what") == "heard" and f["value"] == "board")
        process.wait(lambda f: f.get("what") == "private" and f["value"] == 1)
        board.wait(lambda f: f.get("what") == "heard" and f["value"] == "computer")
        board.wait(lambda f: f.get("what") == "private" and f["value"] == 2)
    board.client.stop("board")
