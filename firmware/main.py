"""Compose board, drivers, agent and loop, and run until someone presses Ctrl-C.

Whatever the application does, the prompt stays within reach: an error in it is printed and the
agent runs on without it, and Ctrl-C ends everything.
"""


def run():
    """Run the agent of this board; return when Ctrl-C or the end of time comes."""
    try:
        from device.board import Board
        from device.loop import Loop
    except ImportError as error:
        print("cma: no kernel on this board (%s); run: cma flash" % error)
        return
    board = Board()
    loop = Loop(board)
    try:
        loop.run("/user")
    except KeyboardInterrupt:
        # Only for a person: after an error of ours the watchdog, if there is one, shall bite.
        loop.watchdog.keep_fed()
        print("cma: agent stopped; Ctrl-D starts it again")
    finally:
        loop.close()


run()
