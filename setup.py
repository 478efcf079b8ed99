"""Install the folders of this tree below one name, `cma_toolkit`.

`sim`, `boards` or `kernel` as top-level names would shadow a user's own modules.
"""

from setuptools import find_packages, setup

ROOMS = ["boards*", "firmware*", "host_tools*", "sim*"]

setup(
    packages=["cma_toolkit." + room for room in find_packages(include=ROOMS)],
    package_dir={"cma_toolkit": "."},
    package_data={
        "cma_toolkit.host_tools.project": ["template/*", "template/*/*"],
        "cma_toolkit.sim.scenario": ["examples/*"],
        "cma_toolkit.sim.virtual_board": ["shims/*", "shims/*/*"],
        "cma_toolkit.sim.report": ["web/*"],
        "cma_toolkit.firmware": ["*", "*/*", "*/*/*"],
        "": ["*.toml", "*.json", "*.md", "*.cddl", "*.csv", "*.py", "py.typed", ".gitignore"],
    },
)
