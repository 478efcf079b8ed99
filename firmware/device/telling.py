"""Print the long records, `status` and `health`, field by field: no text holds all of one."""

import json
import sys


def print_status(loop):
    """Print what changes while an agent runs."""
    agent = loop.agent
    _begin("status", agent)
    _put_all(agent.status())
    _put("app", loop.application)
    _put("links", [link.name for link in loop.sink.links])
    sys.stdout.write("}\n")


def print_health(loop):
    """Print what tells a failing agent from a good one."""
    agent, journal = loop.agent, loop.journal
    _begin("health", agent)
    _put_all(agent.report_health())
    if journal:
        _put("store", [journal.damaged, journal.torn, journal.bad_sectors])
    sys.stdout.write("}\n")


def _begin(kind, agent):
    sys.stdout.write('\x1e{"kind": "%s"' % kind)
    _put("name", agent.identity.name)


def _put_all(fields):
    for key in fields:
        if key != "name":
            _put(key, fields[key])


def _put(key, value):
    sys.stdout.write(', "%s": ' % key)
    json.dump(value, sys.stdout)
