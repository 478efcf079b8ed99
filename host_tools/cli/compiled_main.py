"""`cma` with the kernel and the engine of a world as machine code: what `--compiled` starts.

Each process of a swarm begins with this file, too.
"""

from cma_toolkit.sim.world import compiled

if __name__ in ("__main__", "__mp_main__"):
    compiled.use()  # before anything imports the kernel

if __name__ == "__main__":
    from cma_toolkit.host_tools.cli.main import main

    main()
