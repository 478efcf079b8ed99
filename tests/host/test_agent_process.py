"""An agent on a computer starts anew when it is asked to, as a board does."""

from pathlib import Path
from typing import Any

from cma_toolkit.firmware.kernel.ports import Table
from cma_toolkit.host_tools.agent.process import AgentProcess, Wanted


def test_after_a_reboot_it_hears_again_and_its_application_runs(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = []
    setups: list[object] = []
    wanted = Wanted(tmp_path, "x", port=45_991, settings={"wake_period_ms": 60_000})
    process = AgentProcess(wanted, setups.append, Table(), records.append)
    try:
        process._start(1)
        process.sink.radio(False)  # a window has closed
        agent = setups[0]
        agent.reboot()  # type: ignore[attr-defined]
        process._step()
    finally:
        process._link.close()
    assert len(setups) == 2 and setups[1] is not agent
    assert process.sink.is_radio_on
    assert "reboot" in [record.get("event") for record in records]
