"""Print the long records, `status` and `health`, field by field: no text holds all of one."""

import json
import sys

from kernel.telling import tell_health, tell_status


def print_status(loop):
    """Print what changes while an agent runs."""
    _begin("status")
    tell_status(loop.agent, _put)
    _put("app", loop.application)
    _put("untold", loop.sink.untold)
    _put("links", [link.name for link in loop.sink.links])
    sys.stdout.write("}\n")


def print_health(loop):
    """Print what tells a failing agent from a good one."""
    agent, journal = loop.agent, loop.journal
    _begin("health")
    _put("name", agent.identity.name)
    tell_health(agent, _put)
    if journal:
        _put("store", [journal.damaged, journal.torn, journal.bad_sectors])
    sys.stdout.write("}\n")


def _begin(kind):
    sys.stdout.write('\x1e{"kind": "%s"' % kind)


def _put(key, value):
    sys.stdout.write(', "%s": ' % key)
    json.dump(value, sys.stdout)
