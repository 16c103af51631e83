#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a plugin search algorithm for the server.

    plugin_host.py FOLDER

FOLDER has optimizer.py with a class PluginOptimizer. Requests come on standard input and answers go to standard output, one
JSON object per line (docs/guide/search-plugins.md); both are moved out of the plugin's way before it is imported, so that
what it prints goes to the log.
"""

import base64
import json
import os
import pickle
import sys
import traceback


class Failed(Exception):
    """A sentence for the person who started the search."""


def take_channel():
    """The two ends of the channel. What the plugin prints, and what C code below it prints, goes to standard error."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def last_line(error):
    """The last line of the traceback, which is also put into the log in full."""
    try:
        traceback.print_exc()
        vars(error).pop("__notes__", None)      # they would come after it
        return traceback.format_exception_only(type(error), error)[-1].strip()
    except BaseException:       # it cannot say what it is
        return type(error).__name__


def attempt(*call, **kwargs):
    """attempt(what, function, ...) calls into the plugin; whatever it raises becomes a sentence. What is ours has no names
    here: keywords are the plugin's, and may be any."""
    what, function = call[:2]
    try:
        return function(*call[2:], **kwargs)
    except Failed:
        raise
    except SystemExit as error:
        traceback.print_exc()
        raise Failed("%s called sys.exit(%s)" % (what, error.code if isinstance(error.code, (int, str)) else ""))
    except BaseException as error:      # KeyboardInterrupt and its kin as well
        raise Failed("%s raised %s" % (what, last_line(error)))


def printable(text):
    """What is not Unicode, as a byte in the name of a file may be, is escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain(value):
    """A value as JSON has it: scalars of NumPy and its like know how to become one of Python's, anything else is text."""
    item = getattr(value, "item", None)
    if callable(item):
        value = item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def read_suggestions(found):
    """What search() returned, as JSON has it."""
    if not isinstance(found, (list, tuple)):
        raise Failed("search() returned %s, not a list" % type(found).__name__)
    suggestions = []
    for one in found:
        if not hasattr(one, "items"):
            raise Failed("search() returned a list with %s in it, not only dicts" % type(one).__name__)
        suggestions.append({str(name): attempt("a value of search()", plain, value) for name, value in one.items()})
    return suggestions


class Host(object):
    def __init__(self, folder):
        self.folder = folder
        self.optimizer = None

    def start(self, request):
        from plugins.core.logger import logger
        logger.setLevel(request["logLevel"])
        sys.path.insert(0, self.folder)
        optimizer = attempt("optimizer.py", __import__, "optimizer")
        if not hasattr(optimizer, "PluginOptimizer"):
            raise Failed("optimizer.py has no class PluginOptimizer")
        self.optimizer = attempt("PluginOptimizer()", optimizer.PluginOptimizer, request["name"],
                                 request["hyper_parameters"], **request["params"])
        if not callable(getattr(self.optimizer, "search", None)):
            raise Failed("PluginOptimizer has no method search()")
        if request["state"] is not None:
            state = attempt("unpickling the state", lambda: pickle.loads(base64.b64decode(request["state"])))
            attempt("set_state()", self.optimizer.set_state, state)

    def state(self):
        """The state after a search, as text; None when there is none to be had."""
        get_state = getattr(self.optimizer, "get_state", None)
        state = attempt("get_state()", get_state) if callable(get_state) else None
        if state is None:
            return None
        pickled = attempt("pickling what get_state() returned", pickle.dumps, state)
        return base64.b64encode(pickled).decode("ascii")

    def search(self, request):
        found = attempt("search()", self.optimizer.search, request["number_samples"], request["last_exp_results"])
        suggestions = attempt("reading what search() returned", read_suggestions, found)
        return {"suggestions": suggestions, "state": self.state()}


def main():
    requests, answers = take_channel()
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    host = Host(sys.argv[1])
    for line in requests:
        request = json.loads(line)
        try:
            if request["do"] == "start":
                host.start(request)
                continue
            answer, failed = attempt("writing what search() returned", json.dumps, host.search(request)), False
        except Failed as error:
            answer, failed = json.dumps({"error": printable(str(error))}), True
        answers.write(answer + "\n")
        answers.flush()
        if failed:
            sys.exit(1)


if __name__ == "__main__":
    main()
