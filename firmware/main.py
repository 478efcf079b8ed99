"""Run the agent until someone presses Ctrl-C."""

try:
    from loader.start import run
except (ImportError, ValueError) as error:
    print("cma: no kernel that runs on this board (%s); run: cma flash" % error)
else:
    run()
